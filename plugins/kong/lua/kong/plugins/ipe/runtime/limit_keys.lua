-- Which bucket a request takes from: a text of the policy, the limit's place and the values that it counts by.
local bytes_of = require("kong.plugins.ipe.bytes")
local cell_texts = require("kong.plugins.ipe.runtime.cell_texts")
local K = require("kong.plugins.ipe.gen.constants")

local byte, find, format, gsub, sub = string.byte, string.find, string.format, string.gsub, string.sub
local ABSENT, PRESENT = 0, 1

local ESCAPES = { ["%"] = "%25", ["|"] = "%7C" }

-- In hex: an address of IPv4 whole, of IPv6 the first 64 bits, of which a client has all to choose from.
local function network_text(address)
  local counted = bytes_of.is_v4(address) and sub(address, 13, 16) or sub(address, 1, 8)
  return (gsub(counted, ".", function(c) return format("%02x", byte(c)) end))
end

local function text_of(counted, value)
  if counted.type == "ip" then return network_text(value) end
  return cell_texts[counted.type](value, counted.members)
end

local M = {}

-- Returns the key; nil where a value is invalid or too long: then there is nothing to take from.
function M.of(limit, cells)
  local key = limit.name
  for _, counted in ipairs(limit.keys) do
    local state = cells.state[counted.cell]
    if state == PRESENT then
      local text = text_of(counted, cells.value[counted.cell])
      if #text > K.LIMIT_LIMIT_KEY_BYTES_MAX then return nil end
      if find(text, "[%%|]") then text = gsub(text, "[%%|]", ESCAPES) end
      key = key .. "|=" .. text
    elseif state == ABSENT then
      key = key .. "|-"
    else
      return nil
    end
  end
  return key
end

return M
