-- Texts to cells (docs/request.md, section 2).
local address = require("kong.plugins.ipe.request.address")
local bytes_of = require("kong.plugins.ipe.bytes")
local cells_of = require("kong.plugins.ipe.request.cells")
local K = require("kong.plugins.ipe.gen.constants")
local number = require("kong.plugins.ipe.request.number")
local time = require("kong.plugins.ipe.request.time")

local PRESENT, INVALID = cells_of.PRESENT, cells_of.INVALID
local LIST_ELEMENTS_MAX = K.LIMIT_LIST_ELEMENTS_MAX
local is_utf8 = bytes_of.is_utf8

local M = {}

-- By type: what a cell holds for a text, or nil where the text spells no such value.
local READ = {
  string = function(text) return is_utf8(text) and text or nil end,
  int = number.read_int,
  float = number.read_float,
  bool = function(text) return text == "true" and 1 or text == "false" and 0 or nil end,
  enum = function(text, shape, enums) return enums[shape.enum].member_of[text] end,
  ip = address.read_ip,
  cidr = address.read_cidr,
  datetime = time.read_datetime,
  duration = time.read_duration,
}

-- Reads the text as one scalar into the cell: present or invalid. Lists and records have no spelling.
local function read_text(cells, enums, shape, cell, text)
  local read = READ[shape.type]
  local value = read and read(text, shape, enums)
  if value == nil then
    cells.state[cell] = INVALID
    return
  end
  cells.state[cell] = PRESENT
  cells.value[cell] = value
end
M.read_text = read_text

-- Starts an empty present list; its elements must follow without other cells between.
function M.begin_list(cells, cell)
  cells.state[cell] = PRESENT
  cells.value[cell] = cells.count
  cells.length[cell] = 0
end

-- Takes the next element's cells, absent, and returns the first; nil, and the list is invalid, where it is one too many.
function M.add_element(cells, shape, cell)
  local length = cells.length[cell]
  if cells.state[cell] ~= PRESENT or length >= LIST_ELEMENTS_MAX then
    cells.state[cell] = INVALID
    return nil
  end
  cells.length[cell] = length + 1
  return cells:take(shape.element.width)
end

-- Splits a text at a separator; members lose blanks, empty ones are dropped, the others are elements of the list.
function M.split_list(cells, enums, slot, separator, text)
  local from = 1
  while true do
    local stop = text:find(separator, from, true)
    local member = bytes_of.trim(text:sub(from, stop and stop - 1 or #text))
    if member ~= "" then
      local cell = M.add_element(cells, slot.shape, slot.cell)
      if cell == nil then return end
      read_text(cells, enums, slot.shape.element, cell, member)
    end
    if stop == nil then return end
    from = stop + 1
  end
end

-- Reads a slot from the texts found under its name, in order: one for a scalar, each an element for a list. `false` is one
-- that is malformed. Nothing found is absent.
function M.read_occurrences(cells, enums, slot, found)
  if found == nil then return end
  local shape, cell = slot.shape, slot.cell
  if shape.element == nil then
    if #found > 1 or found[1] == false then
      cells.state[cell] = INVALID
    else
      read_text(cells, enums, shape, cell, found[1])
    end
    return
  end
  M.begin_list(cells, cell)
  for _, text in ipairs(found) do
    local element = M.add_element(cells, shape, cell)
    if element == nil then return end
    if text == false then
      cells.state[element] = INVALID
    else
      read_text(cells, enums, shape.element, element, text)
    end
  end
end

return M
