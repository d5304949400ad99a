-- Nodes of JSON to cells (docs/request.md, sections 2 and 7): nothing is coerced.
local cells_of = require("kong.plugins.ipe.request.cells")
local json = require("kong.plugins.ipe.request.json")
local K = require("kong.plugins.ipe.gen.constants")
local number = require("kong.plugins.ipe.request.number")
local values = require("kong.plugins.ipe.request.values")

local PRESENT, INVALID = cells_of.PRESENT, cells_of.INVALID
local NULL, FALSE, TRUE, NUMBER, STRING, ESCAPED, ARRAY, OBJECT =
  json.NULL, json.FALSE, json.TRUE, json.NUMBER, json.STRING, json.ESCAPED, json.ARRAY, json.OBJECT
local lower = string.lower

local M = {}

-- The names for which an object is searched: `names` gives a name's place. Two that differ only in case spoil each other.
function M.name_group(list)
  local names, folded, times = {}, {}, {}
  for place, name in ipairs(list) do
    names[name] = place
    folded[lower(name)] = true
    times[lower(name)] = (times[lower(name)] or 0) + 1
  end
  return { names = names, folded = folded, times = times }
end

-- The place of the searched name that a member has, nil where it has none; false where it equals one but for ASCII case.
local function find_name(group, name)
  local fold = lower(name)
  if not group.folded[fold] then return nil end
  local place = group.names[name]
  if place == nil or group.times[fold] > 1 then return false end
  return place
end
M.find_name = find_name

local Values = {}
Values.__index = Values

function M.new(cells, enums)
  -- `spoiled`: some rule makes the whole text invalid: a list or all lists too long, or a near miss of a searched name.
  return setmetatable(
    { cells = cells, enums = enums, tape = json.new_tape(), spoiled = false, list_cells = 0, groups = {} }, Values
  )
end

-- Call before the first value of a text is read.
function Values:begin()
  self.spoiled = false
  self.list_cells = 0
end

local function group_of(self, shape)
  local group = self.groups[shape]
  if group == nil then
    local names = {}
    for i, field in ipairs(shape.fields) do names[i] = field.name end
    group = M.name_group(names)
    self.groups[shape] = group
  end
  return group
end

local function read_number(self, shape, cell, node)
  local value
  if self.tape.kind[node] == NUMBER then
    local read = shape.type == "int" and number.read_int or number.read_float
    value = read(self.tape:spelling(node))
  end
  self.cells.state[cell] = value and PRESENT or INVALID
  self.cells.value[cell] = value
end

local function read_list(self, shape, cell, node)
  local tape, cells, element = self.tape, self.cells, shape.element
  local size = tape:size(node)
  self.list_cells = self.list_cells + size * element.width
  if size > K.LIMIT_LIST_ELEMENTS_MAX or self.list_cells > K.LIMIT_CELLS_MAX then
    self.spoiled = true
    return
  end
  -- All at once: nested lists take their cells behind them.
  local at = cells:take(size * element.width)
  cells:set(cell, at)
  cells.length[cell] = size
  local child, stop = node + 1, tape.behind[node]
  while child < stop and not self.spoiled do
    if tape.kind[child] == NULL then
      cells:invalidate(element, at)
    else
      self:read(element, at, child)
    end
    at = at + element.width
    child = tape.behind[child]
  end
end

local function read_record(self, shape, cell, node)
  local tape = self.tape
  local group = group_of(self, shape)
  self.cells.state[cell] = PRESENT
  local name, stop = node + 1, tape.behind[node]
  while name < stop and not self.spoiled do
    local place = find_name(group, tape.names[name])
    if place == false then
      self.spoiled = true
    elseif place then
      local field = shape.fields[place]
      self:read(field.shape, cell + field.offset, name + 1)
    end
    name = tape.behind[name]
  end
end

-- Reads the node into the cell and the cells behind it. `null` is absent: the cells must be so before.
function Values:read(shape, cell, node)
  local kind = self.tape.kind[node]
  if kind == NULL or self.spoiled then return end
  local type_name, cells = shape.type, self.cells
  if type_name == "list" then
    if kind == ARRAY then read_list(self, shape, cell, node) else cells.state[cell] = INVALID end
  elseif type_name == "record" then
    if kind == OBJECT then read_record(self, shape, cell, node) else cells:invalidate(shape, cell) end
  elseif type_name == "int" or type_name == "float" then
    read_number(self, shape, cell, node)
  elseif type_name == "bool" then
    cells.state[cell] = (kind == TRUE or kind == FALSE) and PRESENT or INVALID
    cells.value[cell] = kind == TRUE and 1 or 0
  elseif kind == STRING or kind == ESCAPED then
    values.read_text(cells, self.enums, shape, cell, self.tape:string(node))
  else
    cells.state[cell] = INVALID
  end
end

return M
