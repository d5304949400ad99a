-- Rules 10 and 11: which operands each kind of the instruction table takes.
local K = require("kong.plugins.ipe.gen.constants")

local ADDRESS_PREFIX = 128
local SET_KINDS = { strings = K.SET_STRINGS, numbers = K.SET_NUMBERS, networks = K.SET_NETWORKS, members = K.SET_MEMBERS }
-- Operands b that can stand in a policy's row.
local IN_ROWS = {
  string = true, strings = true, number = true, numbers = true, member = true, members = true, network = true,
  networks = true, automaton = true, schedule = true,
}

local M = {}

function M.is_cell_a(kind) return kind ~= "none" end

local CELLS_B = {}
for _, info in pairs(K.INSTRUCTIONS) do CELLS_B[info.b] = info.b:sub(-4) == "Cell" end
function M.is_cell_b(kind) return CELLS_B[kind] end

function M.takes_column(kind) return IN_ROWS[kind] == true end

local function is_number(shape) return shape.type == "int" or shape.type == "float" end

-- Held as a number: compared with number constants.
local function is_counted(shape) return is_number(shape) or shape.type == "datetime" or shape.type == "duration" end

local function is_address(shape) return shape.type == "ip" or shape.type == "cidr" end

local function is_ordered(shape, enums) return shape.type == "enum" and enums[shape.enum].ordered end

local TAKES_A = {
  any = function() return true end,
  number = is_counted,
  counted = is_counted,
  ordered = is_ordered,
  address = is_address,
  numeric = function(shape) return is_counted(shape) or shape.type == "bool" or shape.type == "enum" end,
  comparable = function(shape, enums) return is_counted(shape) or is_ordered(shape, enums) end,
  stringList = function(shape) return shape.element ~= nil and shape.element.type == "string" end,
  numberList = function(shape) return shape.element ~= nil and is_counted(shape.element) end,
  enumList = function(shape)
    return shape.element ~= nil and (shape.element.type == "enum" or shape.element.type == "bool")
  end,
  addressList = function(shape) return shape.element ~= nil and is_address(shape.element) end,
  scalar = function(shape) return shape.type ~= "list" and shape.type ~= "record" end,
}

-- Does the operand kind take a cell of the shape?
function M.takes_a(kind, shape, enums)
  local takes = TAKES_A[kind]
  if takes then return takes(shape, enums) end
  return shape.type == kind
end

-- The same scalar type: int and float mix, enums are the same enum.
local function comparable(a, b)
  return (is_number(a) and is_number(b)) or (a.type == b.type and a.enum == b.enum)
end

local TAKES_B = {
  stringCell = function(_, b) return b.type == "string" end,
  -- INVARIANT: `a` is ordered where that is asked, so the same enum is ordered, too.
  numericCell = comparable,
  comparableCell = comparable,
  addressCell = function(a, b) return b.type == a.type end,
  cidrCell = function(_, b) return b.type == "cidr" end,
  listCell = function(a, b) return b.element ~= nil and comparable(a, b.element) end,
  cidrListCell = function(_, b) return b.element ~= nil and b.element.type == "cidr" end,
  numberCell = function(_, b) return is_number(b) end,
  countedCell = function(_, b) return is_counted(b) end,
}

-- Does the operand kind take a cell of shape `b` beside `a`? `a` has passed `takes_a`.
function M.takes_b(kind, a, b) return TAKES_B[kind](a, b) end

local function missing(what, index, count)
  if index < count then return nil end
  return what .. " " .. index .. " does not exist, there are " .. count
end

-- What is compared with an address is one; `in` takes any network.
local function network_problem(b, kind_a, a, facts)
  local problem = missing("network", b, facts.constants.network_count)
  local address = kind_a ~= "ip" and (a.element or a).type == "ip"
  local prefix = facts.constants.prefixes[b]
  if problem or not address or prefix == ADDRESS_PREFIX then return problem end
  return "network " .. b .. " has prefix length " .. prefix .. ", an address has " .. ADDRESS_PREFIX
end

local function map_problem(b, a, facts)
  local problem = missing("map", b, facts.map_count)
  if problem or comparable(a, facts.maps[b].key) then return problem end
  return "map " .. b .. " has keys of another type, " .. facts.maps[b].key.type .. ", than cell a"
end

local function set_problem(b, kind, facts)
  local problem = missing("set", b, facts.set_count)
  if problem or facts.constants.sets[b].kind == kind then return problem end
  return "set " .. b .. " holds " .. K.SET_NAMES[facts.constants.sets[b].kind] .. ", not " .. K.SET_NAMES[kind]
end

local function member_problem(b, a, facts)
  local scalar = a.element or a
  return missing("member", b, scalar.type == "bool" and 2 or facts.enums[scalar.enum].count)
end

-- Why `b`, which is no cell, is not the constant, immediate or body length that the instruction wants, or nil.
function M.operand_b_problem(info, b, a, facts)
  local kind = info.b
  if kind == "truth" then return b > 1 and b .. " is not 0 or 1" or nil end
  if kind == "string" then return missing("string", b, facts.constants.string_count) end
  if kind == "number" then return missing("number", b, facts.constants.number_count) end
  if kind == "schedule" then return missing("schedule", b, facts.schedule_count) end
  if kind == "automaton" then return missing("automaton", b, facts.automaton_count) end
  if kind == "map" then return map_problem(b, a, facts) end
  if kind == "network" then return network_problem(b, info.a, a, facts) end
  if kind == "member" then return member_problem(b, a, facts) end
  if kind == "body" then return b < 1 and "its body is empty" or nil end
  local set_kind = SET_KINDS[kind]
  if set_kind == nil then return nil end
  local problem = set_problem(b, set_kind, facts)
  if problem or kind ~= "members" then return problem end
  -- Elements ascend and a set is never empty, so the last one is the greatest.
  return missing("member", facts.constants.set_elements[facts.constants.sets[b].stop - 1], facts.enums[a.enum].count)
end

return M
