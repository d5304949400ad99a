-- Query parameters to slots (docs/request.md, section 6).
local bytes_of = require("kong.plugins.ipe.bytes")
local values = require("kong.plugins.ipe.request.values")

local find, gsub, sub = string.find, string.gsub, string.sub

-- `+` and escapes decoded once; nil for a malformed escape.
local function decode(text)
  if find(text, "+", 1, true) then text = gsub(text, "%+", " ") end
  return bytes_of.unescape(text)
end

local M = {}

-- Values by name, of the names in `wanted`; nil where some name is malformed, whether it is read or not.
local function split(query, wanted)
  local found, from = {}, 1
  while from <= #query do
    local stop = find(query, "&", from, true) or #query + 1
    if stop > from then
      local piece = sub(query, from, stop - 1)
      local equals = find(piece, "=", 1, true) or #piece + 1
      local name = decode(sub(piece, 1, equals - 1))
      if name == nil or not bytes_of.is_utf8(name) then return nil end
      if wanted[name] then
        local own = found[name] or {}
        found[name] = own
        own[#own + 1] = decode(sub(piece, equals + 1)) or false
      end
    end
    from = stop + 1
  end
  return found
end

-- The query is invalid: so is everything read from it.
function M.refuse(cells, slots)
  for _, slot in ipairs(slots) do cells:invalidate(slot.shape, slot.cell) end
end

-- Reads all query slots from a query that is valid as `request.query`.
function M.load(cells, enums, slots, wanted, query)
  local found = split(query, wanted)
  if found == nil then return M.refuse(cells, slots) end
  for _, slot in ipairs(slots) do values.read_occurrences(cells, enums, slot, found[slot.argument]) end
end

return M
