-- Spellings of IP addresses and networks (docs/request.md, section 2). Both become 17 bytes: the address, IPv4 as
-- v4-mapped, and the prefix length in 128 bits (of an address 128), so that equal ones are equal strings.
local bit = require("bit")
local bytes_of = require("kong.plugins.ipe.bytes")

local band, rshift = bit.band, bit.rshift
local byte, char, find, match, sub = string.byte, string.char, string.find, string.match, string.sub

-- Longest spelling: six groups and a dotted tail.
local ADDRESS_TEXT_MAX = 45
local ADDRESS_PREFIX = 128
local MAPPED = bytes_of.MAPPED

local M = {}

-- A decimal number of one to three digits without leading zeros, or nil.
local function decimal(text)
  if not find(text, "^[0-9][0-9]?[0-9]?$") or (#text > 1 and byte(text, 1) == 0x30) then return nil end
  return tonumber(text)
end

-- Four bytes, or nil.
local function read_v4(text)
  local a, b, c, d = match(text, "^([0-9]+)%.([0-9]+)%.([0-9]+)%.([0-9]+)$")
  if a == nil then return nil end
  a, b, c, d = decimal(a), decimal(b), decimal(c), decimal(d)
  if not (a and b and c and d) or a > 255 or b > 255 or c > 255 or d > 255 then return nil end
  return char(a, b, c, d)
end

-- The groups of one side of a `::`, or of all the text, as bytes; nil where they are none. A dotted tail only at the end
-- of the text.
local function read_groups(text, is_end)
  if text == "" then return "" end
  local parts, from = {}, 1
  while true do
    local colon = find(text, ":", from, true)
    local group = sub(text, from, colon and colon - 1 or #text)
    if find(group, "^[0-9a-fA-F][0-9a-fA-F]?[0-9a-fA-F]?[0-9a-fA-F]?$") then
      local value = tonumber(group, 16)
      parts[#parts + 1] = char(rshift(value, 8), band(value, 0xff))
    elseif colon == nil and is_end then
      local tail = read_v4(group)
      if tail == nil then return nil end
      parts[#parts + 1] = tail
    else
      return nil
    end
    if colon == nil then return table.concat(parts) end
    from = colon + 1
  end
end

local function read_v6(text)
  local gap = find(text, "::", 1, true)
  if gap == nil then
    local all = read_groups(text, true)
    return all and #all == 16 and all or nil
  end
  if find(text, "::", gap + 1, true) then return nil end
  local behind = sub(text, gap + 2)
  local head, tail = read_groups(sub(text, 1, gap - 1), false), read_groups(behind, true)
  -- `::` stands for at least one group (RFC 4291, section 2.2).
  if head == nil or tail == nil or #head + #tail > 14 then return nil end
  return head .. ("\0"):rep(16 - #head - #tail) .. tail
end

-- The 16 bytes of an address and whether it is dotted, or nil.
local function read_bytes(text)
  if #text > ADDRESS_TEXT_MAX then return nil end
  if find(text, ":", 1, true) then return read_v6(text), false end
  local v4 = read_v4(text)
  return v4 and MAPPED .. v4, true
end

-- No zone, no brackets, no leading zeros in IPv4. Nil where the text is no address.
function M.read_ip(text)
  local address = read_bytes(text)
  return address and address .. char(ADDRESS_PREFIX)
end

local function zero_behind(address, prefix)
  local at = rshift(prefix, 3)
  if at < 16 and band(byte(address, at + 1), rshift(0xff, band(prefix, 7))) ~= 0 then return false end
  for i = at + 1, 15 do
    if byte(address, i + 1) ~= 0 then return false end
  end
  return true
end

function M.read_cidr(text)
  local slash = find(text, "/", 1, true)
  if slash == nil then return nil end
  local address, dotted = read_bytes(sub(text, 1, slash - 1))
  local prefix = decimal(sub(text, slash + 1))
  if not (address and prefix) or prefix > (dotted and 32 or 128) then return nil end
  if dotted then prefix = prefix + 96 end
  return zero_behind(address, prefix) and address .. char(prefix) or nil
end

return M
