-- The cells of the global frame that obligations name: by what something is counted, and whose values stand in texts.
local cells_of = require("kong.plugins.ipe.verify.types").cells_of

local Cells = {}
Cells.__index = Cells

local M = {}

-- Shapes and names of members are made once, for as many rows as a bundle has.
function M.new(slots, enums)
  local shapes, count = {}, 0
  for _, slot in ipairs(slots) do
    local own = cells_of(slot.shape)
    for i = 0, slot.shape.width - 1 do shapes[count + i] = own[i] end
    count = count + slot.shape.width
  end
  return setmetatable({ shapes = shapes, count = count, enums = enums, members = {} }, Cells)
end

function Cells:members_of(enum)
  local known = self.members[enum]
  if known then return known end
  local members = {}
  for name, member in pairs(self.enums[enum].member_of) do members[member] = name end
  self.members[enum] = members
  return members
end

-- { cell, type, members = names of an enum's members from 0 on }: of the cell in the second word of a row.
function Cells:named_by(rows, i)
  local cell = rows:index(i, 1, "cell", self.count)
  local shape = self.shapes[cell]
  return { cell = cell, type = shape.type, members = shape.type == "enum" and self:members_of(shape.enum) or nil }
end

return M
