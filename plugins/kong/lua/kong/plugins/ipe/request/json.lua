-- A strict scanner of JSON text (RFC 8259; docs/request.md, section 7). It accepts or refuses the whole text and leaves a
-- tape of nodes, so that readers never look at syntax again. It calls nothing recursively.
--
-- Refused besides what the grammar refuses: a byte order mark, bytes that are not UTF-8, lone surrogates in escapes,
-- nesting above the limit, and a member name that occurs twice in one object.
local bytes_of = require("kong.plugins.ipe.bytes")
local K = require("kong.plugins.ipe.gen.constants")
local number_end = require("kong.plugins.ipe.request.number").number_end

local byte, char, find, sub = string.byte, string.char, string.find, string.sub
local sequence_length, hex_digit = bytes_of.sequence_length, bytes_of.hex_digit

local DEPTH_MAX = K.LIMIT_JSON_DEPTH_MAX
local NULL, FALSE, TRUE, NUMBER, STRING, ESCAPED, ARRAY, OBJECT = 0, 1, 2, 3, 4, 5, 6, 7
-- A member's name; the member's value is the node behind it.
local NAME = 8

local M = {
  NULL = NULL, FALSE = FALSE, TRUE = TRUE, NUMBER = NUMBER, STRING = STRING, ESCAPED = ESCAPED, ARRAY = ARRAY,
  OBJECT = OBJECT,
}

-- What stands behind a backslash, and what it means.
local SIMPLE_ESCAPES = {
  [0x22] = '"', [0x5c] = "\\", [0x2f] = "/", [0x62] = "\b", [0x66] = "\f", [0x6e] = "\n", [0x72] = "\r", [0x74] = "\t",
}

-- The four hexadecimal digits at `i`, or nil.
local function hex_unit(text, i)
  local a, b, c, d = byte(text, i, i + 3)
  a, b, c, d = hex_digit(a), hex_digit(b), hex_digit(c), hex_digit(d)
  if not (a and b and c and d) then return nil end
  return ((a * 16 + b) * 16 + c) * 16 + d
end

-- Bytes of the escape whose backslash stands at `i` (a surrogate pair is one), or 0 where it is malformed.
local function escape_length(text, i)
  local letter = byte(text, i + 1)
  if letter ~= 0x75 then return SIMPLE_ESCAPES[letter or 0] and 2 or 0 end
  local unit = hex_unit(text, i + 2)
  if unit == nil or (unit >= 0xdc00 and unit <= 0xdfff) then return 0 end
  if unit < 0xd800 or unit > 0xdbff then return 6 end
  if byte(text, i + 6) ~= 0x5c or byte(text, i + 7) ~= 0x75 then return 0 end
  local low = hex_unit(text, i + 8)
  return low and low >= 0xdc00 and low <= 0xdfff and 12 or 0
end

local function utf8_of(point)
  if point < 0x80 then return char(point) end
  local tail = 0x80 + point % 0x40
  local rest = math.floor(point / 0x40)
  if point < 0x800 then return char(0xc0 + rest, tail) end
  local second = 0x80 + rest % 0x40
  rest = math.floor(rest / 0x40)
  if point < 0x10000 then return char(0xe0 + rest, second, tail) end
  return char(0xf0 + math.floor(rest / 0x40), 0x80 + rest % 0x40, second, tail)
end

-- Decodes a string's contents, which the scanner accepted.
local function decode_string(text, first, last)
  local parts, count, from = {}, 0, first
  while true do
    local at = find(text, "\\", from, true)
    if at == nil or at > last then break end
    parts[count + 1] = sub(text, from, at - 1)
    local letter = byte(text, at + 1)
    if letter == 0x75 then
      local point = hex_unit(text, at + 2)
      from = at + 6
      if point >= 0xd800 and point <= 0xdbff then
        point = 0x10000 + (point - 0xd800) * 0x400 + hex_unit(text, at + 8) - 0xdc00
        from = at + 12
      end
      parts[count + 2] = utf8_of(point)
    else
      parts[count + 2] = SIMPLE_ESCAPES[letter]
      from = at + 2
    end
    count = count + 2
  end
  parts[count + 1] = sub(text, from, last)
  return table.concat(parts)
end

local Tape = {}
Tape.__index = Tape

-- One object is used again and again: a scan overwrites what was there. Nodes count from 1, the root is 1.
function M.new_tape()
  -- `first`, `last`: bytes of a number, or of a string's contents as written. `behind`: the node behind this one and
  -- everything in it. `names`: of a member's name, decoded.
  return setmetatable({ text = "", kind = {}, first = {}, last = {}, behind = {}, names = {}, count = 0 }, Tape)
end

local function push(tape, kind, first, last)
  local node = tape.count + 1
  tape.count = node
  tape.kind[node], tape.first[node], tape.last[node], tape.behind[node] = kind, first, last, node + 1
  return node
end

local function skip_blanks(text, i) return find(text, "[^ \t\n\r]", i) or #text + 1 end

-- The string whose quote stands at `i`: returns the place behind it and whether it has escapes, or nil.
local function scan_string(text, i)
  local escaped = false
  i = i + 1
  while true do
    i = find(text, '[%z\1-\31"\\\128-\255]', i)
    if i == nil then return nil end
    local b = byte(text, i)
    if b == 0x22 then return i + 1, escaped end
    local length = 0
    if b == 0x5c then
      escaped = true
      length = escape_length(text, i)
    elseif b >= 0x80 then
      length = sequence_length(text, i)
    end
    if length == 0 then return nil end
    i = i + length
  end
end

-- One scalar, or the bracket that opens an array or object. Returns the place behind it, or nil.
local function scan_value(tape, text, i)
  local b = byte(text, i)
  if b == 0x7b then
    push(tape, OBJECT, i, i)
    return i + 1
  elseif b == 0x5b then
    push(tape, ARRAY, i, i)
    return i + 1
  elseif b == 0x22 then
    local stop, escaped = scan_string(text, i)
    if stop then push(tape, escaped and ESCAPED or STRING, i + 1, stop - 2) end
    return stop
  elseif b == 0x74 then
    if sub(text, i, i + 3) ~= "true" then return nil end
    push(tape, TRUE, i, i + 3)
    return i + 4
  elseif b == 0x66 then
    if sub(text, i, i + 4) ~= "false" then return nil end
    push(tape, FALSE, i, i + 4)
    return i + 5
  elseif b == 0x6e then
    if sub(text, i, i + 3) ~= "null" then return nil end
    push(tape, NULL, i, i + 3)
    return i + 4
  end
  local stop = number_end(text, i)
  if stop then push(tape, NUMBER, i, stop - 1) end
  return stop
end

-- A member's name and its colon; `seen`: names of the object so far. Returns where the value starts, or nil.
local function scan_name(tape, text, i, seen)
  if byte(text, i) ~= 0x22 then return nil end
  local stop, escaped = scan_string(text, i)
  if stop == nil then return nil end
  local name = escaped and decode_string(text, i + 1, stop - 2) or sub(text, i + 1, stop - 2)
  if seen[name] then return nil end
  seen[name] = true
  local node = push(tape, NAME, i + 1, stop - 2)
  tape.names[node] = name
  i = skip_blanks(text, stop)
  if byte(text, i) ~= 0x3a then return nil end
  return skip_blanks(text, i + 1), node
end

-- Whether `text` is one JSON value and nothing else.
function Tape:scan(text)
  self.text = text
  self.count = 0
  local kind, behind = self.kind, self.behind
  -- For each open array or object: its node, and for an object the names seen and the name whose value is read.
  local stack, seen, name = {}, {}, {}
  local depth = 0
  local i = skip_blanks(text, 1)
  while true do
    i = scan_value(self, text, i)
    if i == nil then return false end
    local node = self.count
    local opened = kind[node]
    local is_open = false
    if opened == ARRAY or opened == OBJECT then
      if depth == DEPTH_MAX then return false end
      depth = depth + 1
      stack[depth] = node
      i = skip_blanks(text, i)
      if opened == OBJECT then
        seen[depth] = {}
        if byte(text, i) ~= 0x7d then
          i, name[depth] = scan_name(self, text, i, seen[depth])
          if i == nil then return false end
          is_open = true
        end
      else
        is_open = byte(text, i) ~= 0x5d
      end
    end
    -- What follows a value: closes what ends here.
    while not is_open do
      i = skip_blanks(text, i)
      if depth == 0 then return i == #text + 1 end
      local top = stack[depth]
      local object = kind[top] == OBJECT
      local empty = self.count == top
      if object and not empty then behind[name[depth]] = self.count + 1 end
      local b = byte(text, i)
      if b == 0x2c and not empty then
        i = skip_blanks(text, i + 1)
        if object then
          i, name[depth] = scan_name(self, text, i, seen[depth])
          if i == nil then return false end
        end
        is_open = true
      else
        if b ~= (object and 0x7d or 0x5d) then return false end
        i = i + 1
        behind[top] = self.count + 1
        depth = depth - 1
      end
    end
  end
end

-- Number of elements of an array or members of an object.
function Tape:size(node)
  local size, child, behind = 0, node + 1, self.behind
  while child < behind[node] do
    size = size + 1
    child = behind[child]
  end
  return size
end

-- The text of a node as written: a number, or the contents of a string without escapes.
function Tape:spelling(node) return sub(self.text, self.first[node], self.last[node]) end

-- The decoded string of a node.
function Tape:string(node)
  if self.kind[node] == ESCAPED then return decode_string(self.text, self.first[node], self.last[node]) end
  return self:spelling(node)
end

return M
