-- Numbers by JSON's spelling (RFC 8259, section 6; docs/request.md, section 2).
local K = require("kong.plugins.ipe.gen.constants")

local byte, find, sub = string.byte, string.find, string.sub
local SAFE_MAX = 9007199254740991
-- No integer within +-(2^53 - 1) has more digits.
local INT_DIGITS_MAX = 16
local INFINITY = math.huge

local M = {}

-- Where the JSON number that starts at `i` ends, as the place behind it, or nil where none starts there.
function M.number_end(text, i)
  local _, stop = find(text, "^%-?0", i)
  if stop == nil then
    _, stop = find(text, "^%-?[1-9][0-9]*", i)
    if stop == nil then return nil end
  end
  if byte(text, stop + 1) == 0x2e then
    _, stop = find(text, "^[0-9]+", stop + 2)
    if stop == nil then return nil end
  end
  local letter = byte(text, stop + 1)
  if letter == 0x65 or letter == 0x45 then
    _, stop = find(text, "^[+-]?[0-9]+", stop + 2)
    if stop == nil then return nil end
  end
  return stop + 1
end

-- The int that a text spells, or nil: no fraction, no exponent, within +-(2^53 - 1). `-0` is 0.
function M.read_int(text)
  local negative = byte(text, 1) == 0x2d
  local digits = negative and sub(text, 2) or text
  if #digits > INT_DIGITS_MAX or not (digits == "0" or find(digits, "^[1-9][0-9]*$")) then return nil end
  -- Sixteen nines are above 2^53, where the value may be rounded, but never down to 2^53 - 1.
  local value = tonumber(digits)
  if value > SAFE_MAX then return nil end
  return negative and value ~= 0 and -value or value
end

-- The double nearest to the number that a text spells (ties to even), or nil where it is none or not finite. `-0` is 0.
-- INVARIANT: LuaJIT's `tonumber` rounds correctly; `test/lua/number.test.ts` compares it with JavaScript's.
function M.read_float(text)
  if #text > K.LIMIT_NUMBER_BYTES_MAX or M.number_end(text, 1) ~= #text + 1 then return nil end
  local value = tonumber(text)
  if value == INFINITY or value == -INFINITY then return nil end
  return value == 0 and 0 or value
end

return M
