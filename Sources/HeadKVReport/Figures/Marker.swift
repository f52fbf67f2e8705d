/// Shapes for points, so that lines can be told apart without colour.
enum Marker {
  static func mark(
    _ index: Int, at point: Point, paint: Paint, hollow: Bool, note: String
  ) -> Mark {
    let fill = hollow ? Paint.paper : paint
    let stroke = Stroke(hollow ? paint : .paper, width: hollow ? 1.6 : 1)
    func polygon(_ corners: [(Double, Double)]) -> Mark {
      .polygon(
        corners.map { Point(point.x + $0.0, point.y + $0.1) }, fill: fill, stroke: stroke,
        note: note)
    }
    switch index % 5 {
    case 1: return polygon([(-4, -4), (4, -4), (4, 4), (-4, 4)])
    case 2: return polygon([(0, -5.2), (5, 3.8), (-5, 3.8)])
    case 3: return polygon([(0, -5.8), (5.8, 0), (0, 5.8), (-5.8, 0)])
    case 4: return polygon([(0, 5.2), (-5, -3.8), (5, -3.8)])
    default: return .disc(point, radius: 4.6, fill: fill, stroke: stroke, note: note)
    }
  }
}
