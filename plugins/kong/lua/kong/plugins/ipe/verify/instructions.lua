-- Rules 10 and 11: every instruction by itself, its fields and the types of its operands.
local bit = require("bit")
local computed_shape = require("kong.plugins.ipe.verify.computed")
local is_safe_integer = require("kong.plugins.ipe.verify.values").is_safe_integer
local K = require("kong.plugins.ipe.gen.constants")
local operands = require("kong.plugins.ipe.verify.operands")
local refuse = require("kong.plugins.ipe.verify.refusal").refuse
local types = require("kong.plugins.ipe.verify.types")

local band, rshift = bit.band, bit.rshift
local INSTRUCTIONS = K.INSTRUCTIONS
local OP_COUNT, OP_ANY, OP_ALL = K.OP_COUNT, K.OP_ANY, K.OP_ALL
-- The frame of what is computed.
local TEMPORARIES = 3
local NETWORK_OPS = {
  [K.OP_EQ_ADDRESS] = true, [K.OP_IN_NETWORK] = true, [K.OP_IN_NETWORKS] = true, [K.OP_EQ_ADDRESSES] = true,
  [K.OP_IN_CIDR] = true, [K.OP_HAS_ADDRESS] = true, [K.OP_IN_CIDRS] = true,
}
local HAS_FIELD = { [K.OP_LOAD_NUMBER] = true, [K.OP_SUM] = true, [K.OP_MIN] = true, [K.OP_MAX] = true }

local M = {}

-- Instructions behind which a body may stand.
local function has_body(op)
  local kind = INSTRUCTIONS[op].b
  return kind == "body" or kind == "bodyOrNone"
end
M.has_body = has_body

-- Fields of all instructions, a list of each, from 0 on. `into` and `field` are those of one that computes.
local function read_words(rows)
  local code = {
    op = {}, sense = {}, negate = {}, frame_a = {}, frame_b = {}, register = {}, column = {},
    a = {}, b = {}, jump = {}, into = {}, field = {},
  }
  for i = 0, rows.count - 1 do
    local head, jump = rows:half(i, 0), rows:half(i, 6)
    code.op[i] = band(head, 0xff)
    code.sense[i] = band(rshift(head, 8), 1)
    code.negate[i] = band(rshift(head, 9), 1)
    code.frame_a[i] = band(rshift(head, 10), 3)
    code.frame_b[i] = band(rshift(head, 12), 3)
    code.register[i] = band(rshift(head, 14), 1)
    code.column[i] = rshift(head, 15) == 1
    code.a[i] = rows:half(i, 2)
    code.b[i] = rows:half(i, 4)
    code.jump[i] = jump
    code.into[i] = band(jump, 0xff)
    code.field[i] = rshift(jump, 8)
  end
  return code
end

local function read_routines(t)
  local rows = t.routines
  local starts = { [0] = 0 }
  local next_one = 0
  for i = 0, rows.count - 1 do
    local length = rows:word(i, 0)
    if length == 0 then refuse(rows:at(i), "it is empty") end
    next_one = next_one + length
    if next_one > t.instructions.count then
      refuse(rows:at(i), "it ends at instruction " .. next_one .. ", there are " .. t.instructions.count)
    end
    starts[i + 1] = next_one
  end
  if next_one ~= t.instructions.count then refuse(t.instructions:at(next_one), "no routine holds it") end
  return starts
end

local function check_fields(where, code, i)
  local op = code.op[i]
  local info = INSTRUCTIONS[op]
  if info == nil then refuse(where, "unknown opcode " .. op) end
  local name = info.name
  if code.column[i] and not operands.takes_column(info.b) then
    refuse(where, name .. " has no constant and names a column")
  end
  if not info.branch and not info.computes and code.sense[i] ~= 0 then
    refuse(where, name .. " does not branch and has a sense")
  end
  if not info.branch and code.negate[i] ~= 0 then refuse(where, name .. " does not branch and has `negate`") end
  if (op == OP_ANY or op == OP_ALL) and code.negate[i] ~= 0 then
    refuse(where, name .. " has `negate`, which would turn what its body rounded the wrong way")
  end
  if info.computes then
    if code.into[i] >= K.LIMIT_TEMPORARIES_MAX then
      refuse(where, name .. " writes temporary " .. code.into[i] .. ", there are " .. K.LIMIT_TEMPORARIES_MAX)
    end
    if code.field[i] ~= 0 and not HAS_FIELD[op] then refuse(where, name .. " has no field and it is " .. code.field[i]) end
  elseif not info.branch and code.jump[i] ~= 0 then
    refuse(where, name .. " does not branch and has a jump")
  end
  if op ~= OP_COUNT and code.register[i] ~= 0 then refuse(where, name .. " has no register and names one") end
  if not operands.is_cell_a(info.a) and code.frame_a[i] ~= 0 then
    refuse(where, name .. " has no cell a and names its frame")
  end
  if not operands.is_cell_b(info.b) and code.frame_b[i] ~= 0 then
    refuse(where, name .. " has no cell b and names its frame")
  end
  if info.a == "none" and code.a[i] ~= 0 then refuse(where, name .. " has no operand a and it is " .. code.a[i]) end
  if info.b == "none" and code.b[i] ~= 0 then refuse(where, name .. " has no operand b and it is " .. code.b[i]) end
  return info
end

-- Shape of the cell that an operand names. `open`: the regions around it, the routine first.
local function cell_at(where, operand, open, frame, cell)
  if frame == TEMPORARIES then
    local shape = open[#open].temporaries[cell]
    if shape == nil then
      refuse(where, "operand " .. operand .. " is temporary " .. cell .. ", which nothing in front of it computes")
    end
    return shape
  end
  local region = open[frame + 1]
  if region == nil then refuse(where, "operand " .. operand .. " is in frame " .. frame .. ", which is not open here") end
  local shape = region.cells[cell]
  if shape == nil then
    refuse(where, "operand " .. operand .. " is cell " .. cell .. " of frame " .. frame .. ", which has no such cell")
  end
  return shape
end

local function describe(shape) return shape.element and "list of " .. shape.element.type or shape.type end

-- Returns the shapes of the cells that an instruction reads.
local function check_operands(where, code, i, info, open, facts)
  local a, b
  if operands.is_cell_a(info.a) then
    a = cell_at(where, "a", open, code.frame_a[i], code.a[i])
    if not operands.takes_a(info.a, a, facts.enums) then
      refuse(where, info.name .. " does not take cell a, a " .. describe(a))
    end
  end
  if operands.is_cell_b(info.b) then
    b = cell_at(where, "b", open, code.frame_b[i], code.b[i])
    if not operands.takes_b(info.b, a, b) then
      refuse(where, info.name .. " does not take cell b, a " .. describe(b) .. (a and ", with a " .. describe(a) or ""))
    end
  elseif not code.column[i] then
    local problem = operands.operand_b_problem(info, code.b[i], a, facts)
    if problem then refuse(where, info.name .. ": " .. problem) end
  end
  return a, b
end

-- Why a constant of a row is not what an instruction demands of its operand `b`, or nil.
function M.column_problem(use, constant, facts)
  local problem = operands.operand_b_problem(use.info, constant, use.a, facts)
  if problem or not use.whole or is_safe_integer(facts.constants.numbers[constant]) then return problem end
  return facts.constants.numbers[constant] .. " is not whole"
end

-- Cells of the global frame, from 0 on.
local function global_cells(slots)
  local cells, count = {}, 0
  for _, slot in ipairs(slots) do
    local own = types.cells_of(slot.shape)
    for i = 0, slot.shape.width - 1 do
      cells[count] = own[i]
      count = count + 1
    end
  end
  return cells
end

-- Rules 10 and 11, and of rule 12 that bodies lie inside their region and not too deep.
-- Of the result: `regions`, innermost routine or body around each instruction: bodies by the index of the instruction in
-- front of them, routines negative; `used_cells` of the global frame; `column_uses` by routine; `widths`, cells of one
-- element of the list in `a`.
function M.read(t, facts)
  local rows = t.instructions
  local code = read_words(rows)
  local starts = read_routines(t)
  local global = global_cells(facts.slots)
  local regions, used_cells, column_uses, widths = {}, {}, {}, {}
  code.rows, code.count, code.starts, code.routine_count = rows, rows.count, starts, t.routines.count
  code.regions, code.used_cells, code.column_uses, code.widths = regions, used_cells, column_uses, widths
  code.aggregates, code.networks, code.computes = false, false, false
  for r = 0, t.routines.count - 1 do
    -- The place of a region in the list is its frame's number and one.
    local open = { { id = -1 - r, stop = starts[r + 1], cells = global, temporaries = {} } }
    for i = starts[r], starts[r + 1] - 1 do
      while i == open[#open].stop do open[#open] = nil end
      local region = open[#open]
      regions[i] = region.id
      local where = rows:at(i)
      local info = check_fields(where, code, i)
      local op = code.op[i]
      local a, b = check_operands(where, code, i, info, open, facts)
      if a and code.frame_a[i] == 0 then used_cells[code.a[i]] = true end
      if b and code.frame_b[i] == 0 then used_cells[code.b[i]] = true end
      if a and a.element then widths[i] = a.element.width end
      if code.column[i] then
        local uses = column_uses[r] or {}
        column_uses[r] = uses
        local whole = op == K.OP_LOAD_NUMBER and code.field[i] ~= K.TYPE_FLOAT
        uses[#uses + 1] = { where = where, column = code.b[i], info = info, a = a, whole = whole }
      end
      if NETWORK_OPS[op] or (op == K.OP_IN_LIST and (a.type == "ip" or a.type == "cidr")) then code.networks = true end
      if info.computes then
        code.computes = true
        region.temporaries[code.into[i]] = computed_shape(where, code, i, info, a, b, facts)
      elseif op ~= OP_COUNT and next(region.temporaries) ~= nil then
        -- A test reads what was computed for it; between it and its steps there may be the COUNTs that it compares.
        region.temporaries = {}
      end
      if has_body(op) then
        code.aggregates = true
        local length = code.b[i]
        if length > 0 then
          local stop = i + 1 + length
          if stop > region.stop then
            refuse(where, "its body of " .. length .. " instructions passes the end of what it stands in")
          end
          if #open > K.LIMIT_FRAME_DEPTH_MAX then
            refuse(where, "aggregates nested deeper than " .. K.LIMIT_FRAME_DEPTH_MAX)
          end
          open[#open + 1] = { id = i, stop = stop, cells = types.cells_of(a.element), temporaries = {} }
        end
      end
    end
  end
  return code
end

return M
