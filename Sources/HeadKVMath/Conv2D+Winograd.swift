internal import CHeadKVKernels

/// The convolution by Winograd tiles: input and weights are transformed, multiplied point by point
/// as matrices [tiles, inputs] [inputs, outputs], and the products transformed back.
extension ConvolutionWork {
  func multiplyTransformed(on runner: Conv2DRunner) {
    let plan = WinogradPlan(self)
    let panels = (layer.outputs + Packing.panel - 1) / Packing.panel
    if plan.tiles <= WinogradPlan.few && panels >= runner.pool.threads {
      multiplyByPanels(plan, panels, on: runner)
    } else {
      multiplyByBlocks(plan, panels, on: runner)
    }
  }

  /// Many tiles: all weights transformed first, then block after block of tiles.
  private func multiplyByBlocks(_ plan: WinogradPlan, _ panels: Int, on runner: Conv2DRunner) {
    let points = plan.points
    let weights = unsafe runner.share(points * layer.inputs * layer.outputs)
    let parts = 4
    runner.pool.run(tasks: panels * parts) { task in
      let (panel, part) = (task / parts, task % parts)
      unsafe transformWeights(
        plan, panel: panel,
        channels: (layer.inputs * part / parts)..<(layer.inputs * (part + 1) / parts),
        into: weights + points * layer.inputs * Packing.panel * panel)
    }
    let tiles = WinogradPlan.block.height * WinogradPlan.block.width
    let input = points * inputStride(tiles)
    let products = points * productStride(tiles)
    let floats = input + products + windowSize(plan)
    unsafe runner.forEach(plan.blocks, scratch: floats) { index, scratch in
      let block = plan.block(index)
      let (window, transformed) = unsafe (scratch + input + products, scratch)
      unsafe transformInput(
        plan, block, window: window, into: transformed, stride: inputStride(tiles),
        first: 0, pitch: block.columns.count)
      for panel in 0..<panels {
        unsafe multiply(
          plan, panel: panel, weights + points * layer.inputs * Packing.panel * panel,
          transformed, inputStride(tiles), tiles: block.tiles, into: scratch + input)
        unsafe transformOutput(
          plan, block, panel: panel, scratch + input, tiles: block.tiles, first: 0,
          pitch: block.columns.count)
      }
    }
  }

  /// Few tiles: all of them transformed first, then panel after panel of weights.
  private func multiplyByPanels(_ plan: WinogradPlan, _ panels: Int, on runner: Conv2DRunner) {
    let (points, tiles) = (plan.points, plan.tiles)
    let input = unsafe runner.share(points * inputStride(tiles))
    unsafe runner.forEach(plan.blocks, scratch: windowSize(plan)) { index, scratch in
      let block = plan.block(index)
      unsafe transformInput(
        plan, block, window: scratch, into: input, stride: inputStride(tiles),
        first: block.rows.lowerBound * plan.width + block.columns.lowerBound, pitch: plan.width)
    }
    let weights = points * layer.inputs * Packing.panel
    let products = points * productStride(tiles)
    unsafe runner.forEach(panels, scratch: weights + products) { panel, scratch in
      unsafe transformWeights(plan, panel: panel, channels: 0..<layer.inputs, into: scratch)
      unsafe multiply(
        plan, panel: panel, scratch, input, inputStride(tiles), tiles: tiles,
        into: scratch + weights)
      for index in 0..<plan.blocks {
        let block = plan.block(index)
        unsafe transformOutput(
          plan, block, panel: panel, scratch + weights, tiles: tiles,
          first: block.rows.lowerBound * plan.width + block.columns.lowerBound, pitch: plan.width)
      }
    }
  }

  // A line more than the tiles take: else points of a tile fall on one another in the cache.
  private func inputStride(_ tiles: Int) -> Int { tiles * layer.inputs + 16 }
  private func productStride(_ tiles: Int) -> Int { tiles * Packing.panel + 16 }

  private func windowSize(_ plan: WinogradPlan) -> Int {
    let window = plan.window(plan.block(0))
    return window.rows.count * window.stride(channels: input.channels)
  }

  /// The outputs of a panel: all have 64 but the last.
  private func columns(_ panel: Int) -> Int {
    min(Packing.panel, layer.outputs - panel * Packing.panel)
  }

  private func transformWeights(
    _ plan: WinogradPlan, panel: Int, channels: Range<Int>,
    into weights: UnsafeMutablePointer<Float>
  ) {
    unsafe layer.weight.withPacked { packed in
      unsafe hkv_winograd_weights(
        packed, panel, channels.lowerBound, channels.upperBound, plan.doubled ? 1 : 0, weights)
    }
  }

  /// Tile (row, column) of the block goes to `first` + row * `pitch` + column.
  private func transformInput(
    _ plan: WinogradPlan, _ block: WinogradBlock, window: UnsafeMutablePointer<Float>,
    into transformed: UnsafeMutablePointer<Float>, stride: Int, first: Int, pitch: Int
  ) {
    let seen = plan.window(block)
    unsafe seen.fill(window, from: input, through: norm)
    let (line, side) = (seen.stride(channels: input.channels), plan.doubled ? 2 : 4)
    for row in 0..<block.rows.count {
      for column in 0..<block.columns.count {
        unsafe hkv_winograd_input(
          window + side * (row * line + column * input.channels), line, input.channels,
          plan.doubled ? 1 : 0,
          transformed + (first + row * pitch + column) * input.channels, stride)
      }
    }
  }

  private func multiply(
    _ plan: WinogradPlan, panel: Int, _ weights: UnsafePointer<Float>,
    _ input: UnsafePointer<Float>, _ inputStride: Int, tiles: Int,
    into products: UnsafeMutablePointer<Float>
  ) {
    unsafe hkv_winograd_products(
      weights, columns(panel), layer.inputs, plan.doubled ? 1 : 0, input, inputStride, tiles,
      products, productStride(tiles))
  }

  private func transformOutput(
    _ plan: WinogradPlan, _ block: WinogradBlock, panel: Int, _ products: UnsafePointer<Float>,
    tiles: Int, first: Int, pitch: Int
  ) {
    let (from, columns) = (panel * Packing.panel, columns(panel))
    for row in block.rows {
      for column in block.columns {
        let tile = first + (row - block.rows.lowerBound) * pitch + column - block.columns.lowerBound
        let pixel = 4 * (row * output.width + column)
        let place = unsafe output.pixel(pixel) + from
        var target = unsafe hkv_tile(
          height: min(4, output.height - 4 * row), width: min(4, output.width - 4 * column),
          channels: columns, row: output.width * layer.outputs, pixel: layer.outputs,
          bias: UnsafePointer(layer.bias.base + from),
          add: adds ? UnsafePointer(place) : nil, out: place)
        unsafe hkv_winograd_output(
          products + tile * columns, productStride(tiles), plan.doubled ? 1 : 0, &target)
      }
    }
  }
}
