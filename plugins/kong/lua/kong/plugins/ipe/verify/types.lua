-- Rules 6 and 7: enums and the shapes of values.
local K = require("kong.plugins.ipe.gen.constants")
local remembered = require("kong.plugins.ipe.verify.remembered")
local refusal = require("kong.plugins.ipe.verify.refusal")

local refuse, shown = refusal.refuse, refusal.shown

local M = {}

-- Rule 6. Members count from 0; `member_of` gives the member of a text.
function M.read_enums(t, strings)
  local rows, member_rows = t.enums, t.members
  if rows.count == 0 then refuse("enums", "entry 0, `resource.type`, is missing") end
  local enums, names = {}, {}
  local next_one = 0
  for i = 0, rows.count - 1 do
    local where = rows:at(i)
    local name = rows:index(i, 0, "string", t.strings.count)
    if names[name] then refuse(where, "a second enum " .. shown(strings[name])) end
    names[name] = true
    local ordered = rows:word(i, 1)
    if ordered > 1 then refuse(where, "`ordered` is " .. ordered .. ", not 0 or 1") end
    if i == 0 and ordered == 1 then refuse(where, "`resource.type` is ordered") end
    local first = next_one
    next_one = rows:next_range(i, 2, first, member_rows)
    local member_of = {}
    for m = first, next_one - 1 do
      local text = strings[member_rows:index(m, 0, "string", t.strings.count)]
      if member_of[text] then refuse(where, "member " .. shown(text) .. " stands there twice") end
      member_of[text] = m - first
    end
    enums[i] = { ordered = ordered == 1, count = next_one - first, member_of = member_of }
  end
  member_rows:all_used(next_one)
  return enums
end

-- An element's or a field's shape: it stands before, so that shapes never hold themselves.
local function earlier_shape(where, index, shapes)
  local shape = shapes[index]
  if shape == nil then refuse(where, "shape " .. index .. " does not stand before it") end
  if shape.enum == 0 then refuse(where, "`resource.type` as a field or an element") end
  return shape
end

local function read_record(t, record, first, stop, strings, shapes, holds_dot)
  local field_rows = t.fields
  local fields, names = {}, {}
  local width = 1
  for f = first, stop - 1 do
    local where = field_rows:at(f)
    local name = strings[field_rows:index(f, 0, "string", t.strings.count)]
    if holds_dot(name) then refuse(where, "the name " .. shown(name) .. " holds a dot") end
    if names[name] then refuse(where, "a second field " .. shown(name) .. " in one record") end
    names[name] = true
    local shape = earlier_shape(where, field_rows:word(f, 1), shapes)
    fields[#fields + 1] = { name = name, offset = width, shape = shape }
    width = width + shape.width
    if width > K.LIMIT_SHAPE_WIDTH_MAX then
      refuse(t.shapes:at(record), "it takes more than " .. K.LIMIT_SHAPE_WIDTH_MAX .. " cells")
    end
  end
  return { type = "record", width = width, enum = -1, fields = fields }
end

-- Rule 7. That a shape of enum 0 belongs to a builtin is seen with the slots. A shape has `type`, `width`, `enum` (-1 for
-- none), `element` of a list, `fields` of a record.
function M.read_shapes(t, strings)
  local rows, field_rows = t.shapes, t.fields
  local shapes = {}
  local holds_dot = remembered(function(text) return text:find(".", 1, true) ~= nil end)
  local next_one = 0
  for i = 0, rows.count - 1 do
    local where = rows:at(i)
    local id, argument = rows:word(i, 0), rows:word(i, 1)
    local type_name = K.TYPE_NAMES[id]
    if type_name == nil then refuse(where, "unknown type " .. id) end
    if id == K.TYPE_RECORD then
      local first = next_one
      next_one = rows:next_range(i, 1, first, field_rows)
      if next_one == first then refuse(where, "a record without fields") end
      shapes[i] = read_record(t, i, first, next_one, strings, shapes, holds_dot)
    else
      if rows:word(i, 2) ~= 0 then refuse(where, "a " .. type_name .. " with fields") end
      local shape = { type = type_name, width = 1, enum = -1 }
      if id == K.TYPE_ENUM then
        shape.enum = rows:index(i, 1, "enum", t.enums.count)
      elseif id == K.TYPE_LIST then
        shape.element = earlier_shape(where, argument, shapes)
      elseif argument ~= 0 then
        refuse(where, "a " .. type_name .. " with argument " .. argument)
      end
      shapes[i] = shape
    end
  end
  field_rows:all_used(next_one)
  return shapes
end

-- Shapes of the cells of one value, from 0 on: `width` many. Made when first asked for, since many shapes share fields.
local function cells_of(shape)
  if shape.cells then return shape.cells end
  local cells = { [0] = shape }
  local count = 1
  for _, field in ipairs(shape.fields or {}) do
    local own = cells_of(field.shape)
    for i = 0, field.shape.width - 1 do
      cells[count] = own[i]
      count = count + 1
    end
  end
  shape.cells = cells
  return cells
end
M.cells_of = cells_of

return M
