extension Array where Element == UInt8 {
  package mutating func little<T: FixedWidthInteger>(_ value: T) {
    for index in 0..<(T.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: value >> T(index * 8)))
    }
  }
}

/// A stored zip archive; the knobs make it lie.
package struct ZipBuilder {
  package var members: [(name: String, data: [UInt8])] = []
  package var method: UInt16 = 0
  package var claimedSize: UInt32?
  package var zip64 = false
  package var sameHeader = false

  package init() {}

  package func build() -> [UInt8] {
    var bytes: [UInt8] = []
    var central: [UInt8] = []
    var first: Int?
    for (name, data) in members {
      let header = sameHeader ? (first ?? bytes.count) : bytes.count
      first = first ?? header
      let size = claimedSize ?? UInt32(data.count)
      bytes.little(UInt32(0x0403_4b50))
      for field in [UInt16(20), 0, method, 0, 0] { bytes.little(field) }
      bytes.little(UInt32(0))
      bytes.little(zip64 ? UInt32.max : size)
      bytes.little(zip64 ? UInt32.max : size)
      bytes.little(UInt16(name.utf8.count))
      bytes.little(UInt16(0))
      bytes += Array(name.utf8) + data

      central.little(UInt32(0x0201_4b50))
      for field in [UInt16(20), 20, 0, method, 0, 0] { central.little(field) }
      central.little(UInt32(0))
      central.little(zip64 ? UInt32.max : size)
      central.little(zip64 ? UInt32.max : size)
      central.little(UInt16(name.utf8.count))
      for field in [UInt16(zip64 ? 28 : 0), 0, 0, 0] { central.little(field) }
      central.little(UInt32(0))
      central.little(zip64 ? UInt32.max : UInt32(header))
      central += Array(name.utf8)
      if zip64 {
        central.little(UInt16(1))
        central.little(UInt16(24))
        for field in [UInt64(size), UInt64(size), UInt64(header)] { central.little(field) }
      }
    }
    let start = bytes.count
    bytes += central
    if zip64 {
      let record = bytes.count
      bytes.little(UInt32(0x0606_4b50))
      bytes.little(UInt64(44))
      for field in [UInt16(45), 45] { bytes.little(field) }
      for field in [UInt32(0), 0] { bytes.little(field) }
      for field in [members.count, members.count, central.count, start] {
        bytes.little(UInt64(field))
      }
      bytes.little(UInt32(0x0706_4b50))
      bytes.little(UInt32(0))
      bytes.little(UInt64(record))
      bytes.little(UInt32(1))
    }
    bytes.little(UInt32(0x0605_4b50))
    let count = zip64 ? UInt16.max : UInt16(members.count)
    for field in [UInt16(0), 0, count, count] { bytes.little(field) }
    bytes.little(zip64 ? UInt32.max : UInt32(central.count))
    bytes.little(zip64 ? UInt32.max : UInt32(start))
    bytes.little(UInt16(0))
    return bytes
  }
}

/// An archive of `torch.save` around a pickle; each storage is the data of a member.
package func torchArchive(
  _ pickle: [UInt8], storages: [String: [UInt8]] = [:], order: String = "little",
  zip64: Bool = false
) -> [UInt8] {
  var zip = ZipBuilder()
  zip.zip64 = zip64
  zip.members = [("ckpt/data.pkl", pickle), ("ckpt/byteorder", Array(order.utf8))]
  for (key, data) in storages.sorted(by: { $0.key < $1.key }) {
    zip.members.append(("ckpt/data/\(key)", data))
  }
  zip.members.append(("ckpt/version", Array("3\n".utf8)))
  return zip.build()
}
