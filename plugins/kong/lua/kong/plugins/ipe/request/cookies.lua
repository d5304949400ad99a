-- Cookies to slots (docs/request.md, section 5).
local bytes_of = require("kong.plugins.ipe.bytes")
local values = require("kong.plugins.ipe.request.values")

local find, sub = string.find, string.sub

-- Values by name, of the names in `wanted`, in the pieces of one line.
local function split(line, wanted, found)
  local from = 1
  while from <= #line do
    local stop = find(line, ";", from, true) or #line + 1
    local piece = bytes_of.trim(sub(line, from, stop - 1))
    local equals = find(piece, "=", 1, true)
    local name = equals and sub(piece, 1, equals - 1)
    if name and wanted[name] then
      local own = found[name] or {}
      found[name] = own
      own[#own + 1] = sub(piece, equals + 1)
    end
    from = stop + 1
  end
end

-- Reads all cookie slots, whose names are `wanted`.
return function(cells, enums, headers, slots, wanted)
  local found = {}
  local refused = headers:too_long("cookie")
  if not refused then
    for _, line in ipairs(headers.lines.cookie or {}) do
      refused = refused or (headers.joined and find(line, ",", 1, true) ~= nil)
      split(line, wanted, found)
    end
  end
  for _, slot in ipairs(slots) do
    if refused then
      cells:invalidate(slot.shape, slot.cell)
    else
      values.read_occurrences(cells, enums, slot, found[slot.argument])
    end
  end
end
