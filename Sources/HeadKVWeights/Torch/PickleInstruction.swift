/// One opcode of a pickle with its argument, as `torch.save` writes them in protocols 2 to 5.
enum PickleInstruction {
  /// What needs no doing: a protocol, a frame.
  case skip
  case stop
  case mark
  case pop
  case popToMark
  case duplicate
  case push(PickleValue)

  /// Collections of all above the mark, and of so many values.
  case tuple
  case list
  case dict
  case frozenSet
  case tupleOf(Int)

  /// One or all above the mark, into the collection below.
  case append
  case appendAll
  case addAll
  case set
  case setAll

  case memoize
  case put(Int)
  case get(Int)

  case global
  case call
  case callWithKeywords
  case build
  case persistent

  /// Reads the opcode and the argument behind it.
  ///
  /// - Throws: ``WeightError`` if bytes are missing, or the opcode is not one that is known.
  init(reading reader: inout ByteReader) throws(WeightError) {
    let opcode = try reader.u8()
    switch opcode {
    case 0x80:  // PROTO
      _ = try reader.u8()
      self = .skip
    case 0x95:  // FRAME
      _ = try reader.advance(8)
      self = .skip
    case UInt8(ascii: "."): self = .stop
    case UInt8(ascii: "("): self = .mark
    case UInt8(ascii: "0"): self = .pop
    case UInt8(ascii: "1"): self = .popToMark
    case UInt8(ascii: "2"): self = .duplicate

    case UInt8(ascii: "N"): self = .push(.none)
    case 0x88: self = .push(.bool(true))
    case 0x89: self = .push(.bool(false))
    case UInt8(ascii: "J"): self = .push(.int(Int(Int32(bitPattern: try reader.u32()))))
    case UInt8(ascii: "K"): self = .push(.int(Int(try reader.u8())))
    case UInt8(ascii: "M"): self = .push(.int(Int(try reader.u16())))
    case 0x8a: self = .push(try Self.long(Int(try reader.u8()), &reader))
    case 0x8b: self = .push(try Self.long(Int(Int32(bitPattern: try reader.u32())), &reader))
    case UInt8(ascii: "I"): self = .push(try Self.integerLine(&reader))
    case UInt8(ascii: "F"):
      guard let value = Double(try reader.line(atMost: 64)) else {
        throw reader.error(.pickle("a number expected"))
      }
      self = .push(.float(value))
    case UInt8(ascii: "G"):  // big-endian
      self = .push(.float(Double(bitPattern: try reader.u64().byteSwapped)))

    case UInt8(ascii: "X"): self = .push(.string(try reader.string(Int(try reader.u32()))))
    case 0x8c: self = .push(.string(try reader.string(Int(try reader.u8()))))
    case 0x8d: self = .push(.string(try reader.string(try reader.size64())))
    case UInt8(ascii: "U"), UInt8(ascii: "C"): self = try Self.bytes(Int(try reader.u8()), &reader)
    case UInt8(ascii: "T"), UInt8(ascii: "B"): self = try Self.bytes(Int(try reader.u32()), &reader)
    case 0x8e, 0x96: self = try Self.bytes(try reader.size64(), &reader)

    case UInt8(ascii: "}"): self = .push(.dict([]))
    case UInt8(ascii: "]"): self = .push(.list([]))
    case UInt8(ascii: ")"): self = .push(.tuple([]))
    case 0x8f: self = .push(.opaque)  // EMPTY_SET
    case UInt8(ascii: "t"): self = .tuple
    case UInt8(ascii: "l"): self = .list
    case UInt8(ascii: "d"): self = .dict
    case 0x91: self = .frozenSet
    case 0x85: self = .tupleOf(1)
    case 0x86: self = .tupleOf(2)
    case 0x87: self = .tupleOf(3)
    case UInt8(ascii: "a"): self = .append
    case UInt8(ascii: "e"): self = .appendAll
    case 0x90: self = .addAll  // ADDITEMS
    case UInt8(ascii: "s"): self = .set
    case UInt8(ascii: "u"): self = .setAll

    case UInt8(ascii: "q"): self = .put(Int(try reader.u8()))
    case UInt8(ascii: "r"): self = .put(Int(try reader.u32()))
    case 0x94: self = .memoize
    case UInt8(ascii: "h"): self = .get(Int(try reader.u8()))
    case UInt8(ascii: "j"): self = .get(Int(try reader.u32()))

    case UInt8(ascii: "c"):
      let module = try reader.line(atMost: 1024)
      self = .push(.global(module, try reader.line(atMost: 1024)))
    case 0x93: self = .global  // STACK_GLOBAL
    case UInt8(ascii: "R"), 0x81: self = .call  // REDUCE, NEWOBJ
    case 0x92: self = .callWithKeywords  // NEWOBJ_EX
    case UInt8(ascii: "b"): self = .build
    case UInt8(ascii: "Q"): self = .persistent
    default:
      throw reader.error(
        .pickle("opcode 0x" + String(opcode, radix: 16) + " is not one torch.save writes"))
    }
  }

  /// A little-endian integer of `count` bytes; opaque if it is wider than an `Int`.
  private static func long(
    _ count: Int, _ reader: inout ByteReader
  ) throws(WeightError) -> PickleValue {
    let bytes = try reader.bytes(count)
    guard bytes.count <= 8 else { return .opaque }
    var value: UInt64 = (bytes.last ?? 0) & 0x80 == 0 ? 0 : .max
    for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
    return .int(Int(Int64(bitPattern: value)))
  }

  /// An integer in decimal, or a truth value: `00`, `01`.
  private static func integerLine(_ reader: inout ByteReader) throws(WeightError) -> PickleValue {
    let text = try reader.line(atMost: 32)
    if text == "00" || text == "01" { return .bool(text == "01") }
    guard let value = Int(text) else {
      throw reader.error(.pickle("'\(text)' is not an integer"))
    }
    return .int(value)
  }

  /// Bytes, which no tensor needs.
  private static func bytes(
    _ count: Int, _ reader: inout ByteReader
  ) throws(WeightError) -> PickleInstruction {
    _ = try reader.advance(count)
    return .push(.opaque)
  }
}
