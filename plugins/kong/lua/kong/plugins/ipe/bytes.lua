-- Strings as bytes: little-endian numbers, UTF-8, and small tests that the loader and the request path share.
local byte, find, sub = string.byte, string.find, string.sub
local ldexp = math.ldexp

local M = {}

-- Offsets count from 0, as in docs/bytecode.md.
function M.u16(bytes, at)
  local low, high = byte(bytes, at + 1, at + 2)
  return low + high * 0x100
end

function M.u32(bytes, at)
  local a, b, c, d = byte(bytes, at + 1, at + 4)
  return a + b * 0x100 + c * 0x10000 + d * 0x1000000
end

-- An IEEE 754 double; nil where it is not finite. `-0` is told by its second result.
function M.double(bytes, at)
  local low, high = M.u32(bytes, at), M.u32(bytes, at + 4)
  local negative = high >= 0x80000000
  if negative then high = high - 0x80000000 end
  local exponent = math.floor(high / 0x100000)
  local mantissa = (high % 0x100000) * 0x100000000 + low
  if exponent == 0x7ff then return nil, false end
  local value
  if exponent == 0 then value = ldexp(mantissa, -1074) else value = ldexp(mantissa + 0x10000000000000, exponent - 1075) end
  if negative then value = -value end
  return value, negative and value == 0
end

local function is_tail(b) return b ~= nil and b >= 0x80 and b <= 0xbf end

-- Length of the UTF-8 sequence of two to four bytes at `i` (from 1), or 0 where it is none (Unicode 15, table 3-7).
local function sequence_length(text, i)
  local first, second, third, fourth = byte(text, i, i + 3)
  if first >= 0xc2 and first <= 0xdf then return is_tail(second) and 2 or 0 end
  if first >= 0xe0 and first <= 0xef then
    if not (is_tail(second) and is_tail(third)) then return 0 end
    if first == 0xe0 and second < 0xa0 then return 0 end
    if first == 0xed and second > 0x9f then return 0 end
    return 3
  end
  if first >= 0xf0 and first <= 0xf4 then
    if not (is_tail(second) and is_tail(third) and is_tail(fourth)) then return 0 end
    if first == 0xf0 and second < 0x90 then return 0 end
    if first == 0xf4 and second > 0x8f then return 0 end
    return 4
  end
  return 0
end
M.sequence_length = sequence_length

-- No overlong forms, no surrogates, nothing above U+10FFFF.
function M.is_utf8(text)
  local i = find(text, "[\128-\255]")
  while i do
    local length = sequence_length(text, i)
    if length == 0 then return false end
    i = find(text, "[\128-\255]", i + length)
  end
  return true
end

-- A token (RFC 9110, 5.6.2); never empty.
function M.is_token(text) return find(text, "^[!#$%%&'*+%-.^_`|~0-9A-Za-z]+$") ~= nil end

function M.is_lower_token(text) return find(text, "^[!#$%%&'*+%-.^_`|~0-9a-z]+$") ~= nil end

-- Without spaces and tabs at both ends. In steps, since a pattern for both ends takes quadratic time on blanks.
function M.trim(text)
  local first = find(text, "[^ \t]")
  if first == nil then return "" end
  local last = #text
  while true do
    local b = byte(text, last)
    if b ~= 0x20 and b ~= 0x09 then break end
    last = last - 1
  end
  if first == 1 and last == #text then return text end
  return sub(text, first, last)
end

-- Value of a hexadecimal digit, or nil.
function M.hex_digit(b)
  if b == nil then return nil end
  if b >= 0x30 and b <= 0x39 then return b - 0x30 end
  if b >= 0x41 and b <= 0x46 then return b - 0x37 end
  if b >= 0x61 and b <= 0x66 then return b - 0x57 end
  return nil
end

-- With `%xx` decoded once; nil where an escape is malformed.
function M.unescape(text)
  if not find(text, "%", 1, true) then return text end
  local parts, count, from = {}, 0, 1
  while true do
    local at = find(text, "%", from, true)
    if at == nil then break end
    local high, low = byte(text, at + 1, at + 2)
    high, low = M.hex_digit(high), M.hex_digit(low)
    if not (high and low) then return nil end
    parts[count + 1] = sub(text, from, at - 1)
    parts[count + 2] = string.char(high * 16 + low)
    count = count + 2
    from = at + 3
  end
  parts[count + 1] = sub(text, from)
  return table.concat(parts)
end

local MAPPED = ("\0"):rep(10) .. "\255\255"
M.MAPPED = MAPPED

-- Are the first 16 bytes an IPv4 address, which is stored v4-mapped?
function M.is_v4(address) return sub(address, 1, 12) == MAPPED end

return M
