-- Verified bytecode to Lua functions, once for each bundle. A region (a routine or a body) becomes one function:
--
--   f(mode, row, e1, e2)   mode: what unknown counts as; row: where the policy's constants start; e1, e2: first cells of the
--                          elements that are frames 1 and 2
--
-- It returns its answer and whether it met an unknown test. The source is made of numbers that the verifier has checked and
-- of words of this file, never of a text of the bundle: texts are constants in tables. An EQ_STRING of cell 3 with string 7
-- that goes on 2 instructions further where it is true reads
--
--   if state[3] ~= 1 then met = true if mode then goto L9 end elseif value[3] == strings[7] then goto L9 end
--
-- LuaJIT's jumps reach some 32,000 of its instructions, so a long region becomes several functions, pieces of about
-- PIECE_MAX instructions. A piece returns a number where execution goes on in another one.
local K = require("kong.plugins.ipe.gen.constants")
local operations = require("kong.plugins.ipe.runtime.operations")

local concat, format = table.concat, string.format
local INSTRUCTIONS = K.INSTRUCTIONS

-- Instructions of one function; few, since LuaJIT compiles short functions best.
local PIECE_MAX = 400
-- The frame of what is computed.
local TEMPORARIES = 3

local HEAD = [[
local state, value, strings, numbers, networks, automata, schedules, sets, networks_of, maps, rows, bodies, op, own = ...
local starts, ends, contains, matches = op.starts, op.ends, op.contains, op.matches
local in_network, in_networks, in_hours = op.in_network, op.in_networks, op.in_hours
local count_equals, count_less, count_at_most = op.count_equals, op.count_less, op.count_at_most
local counts_equal, counts_less, counts_at_most = op.counts_equal, op.counts_less, op.counts_at_most
local has, in_cidrs, quantify, count = own.has, own.in_cidrs, own.quantify, own.count
local load_number, add, subtract, multiply = own.load_number, own.add, own.subtract, own.multiply
local lowered, look_up, tally, sum, min, max = own.lowered, own.look_up, own.tally, own.sum, own.min, own.max
return function(mode, row, e1, e2, entry)
local met, t, u, low0, high0, low1, high1 = false
]]

-- One region while it is translated: `code`, `depth` of aggregates around it, `temporaries`, the first cell of its own
-- computed values, `lines` of the piece at hand, `first` and `stop` of that piece.

-- A cell as an expression.
local function cell(region, frame, index)
  if frame == TEMPORARIES then return format("%d", region.temporaries + index) end
  if frame == 0 then return format("%d", index) end
  return format("e%d + %d", frame, index)
end

local function cell_a(region, i) return cell(region, region.code.frame_a[i], region.code.a[i]) end

local function cell_b(region, i) return cell(region, region.code.frame_b[i], region.code.b[i]) end

-- The index of a constant, or an immediate.
local function constant(region, i)
  local b = region.code.b[i]
  return region.code.column[i] and format("rows[row + %d]", b) or format("%d", b)
end

local function put(region, ...) region.lines[#region.lines + 1] = format(...) end

-- Going on at an instruction, as a statement that may stand anywhere.
local function go(region, target)
  if target < region.stop then
    region.labels[target] = true
    return format("goto L%d", target)
  end
  return format("do return %d, met end", target)
end

-- Whether the test jumps on true.
local function jumps_on_true(code, i) return (code.sense[i] == 1) == (code.negate[i] == 0) end

-- Going on where unknown counts as the sense of the jump.
local function unknown_part(region, i)
  local mode = region.code.sense[i] == 1 and "mode" or "not mode"
  return format("met = true if %s then %s end", mode, go(region, i + region.code.jump[i]))
end

-- A test whose operands are present, or it is unknown: `present` are cells, `truth` is true or false.
local function branch(region, i, present, truth)
  local checks = {}
  for k, own in ipairs(present) do checks[k] = format("state[%s] ~= 1", own) end
  local holds = jumps_on_true(region.code, i) and truth or format("not (%s)", truth)
  put(
    region, "if %s then %s elseif %s then %s end",
    concat(checks, " or "), unknown_part(region, i), holds, go(region, i + region.code.jump[i])
  )
end

-- A test that answers nil itself where it is unknown: its answer is in `t`.
local function branch_on_t(region, i)
  put(
    region, "if t == nil then %s elseif %s then %s end",
    unknown_part(region, i), jumps_on_true(region.code, i) and "t" or "not t", go(region, i + region.code.jump[i])
  )
end

-- Likewise of operands that must be present.
local function branch_on_answer(region, i, present, call)
  local checks = {}
  for k, own in ipairs(present) do checks[k] = format("state[%s] == 1", own) end
  put(region, "t = nil if %s then t = %s end", concat(checks, " and "), call)
  branch_on_t(region, i)
end

-- A test of cell a with a constant; the parameters are put into `template`: $a the value, $b the index.
local function with_constant(template)
  return function(region, i)
    local a = cell_a(region, i)
    local truth = template:gsub("%$(%a)", { a = format("value[%s]", a), b = constant(region, i) })
    branch(region, i, { a }, truth)
  end
end

-- A test of two cells: $a and $b their values.
local function with_cell(template)
  return function(region, i)
    local a, b = cell_a(region, i), cell_b(region, i)
    local truth = template:gsub("%$(%a)", { a = format("value[%s]", a), b = format("value[%s]", b) })
    branch(region, i, { a, b }, truth)
  end
end

-- Kleene or over the elements of list a: equals a constant.
local function has(template)
  return function(region, i)
    local a = cell_a(region, i)
    local own = template:gsub("%$b", constant(region, i))
    branch_on_answer(region, i, { a }, format("has(%s, %s)", a, own))
  end
end

-- The body behind an instruction, as an expression; translated with its routine.
local function body(region, i)
  if region.code.b[i] == 0 then return "nil" end
  return format("bodies[%d]", i)
end

local function outer(region) return region.depth == 0 and "nil" or "e1" end

local function quantifier(decisive)
  return function(region, i)
    put(
      region, "t, u = quantify(%s, %s, %d, %s, mode, row, %s) met = met or u",
      decisive, cell_a(region, i), region.code.widths[i], body(region, i), outer(region)
    )
    branch_on_t(region, i)
  end
end

local function count_compare(name, template)
  return function(region, i)
    put(region, "t = %s(low0, high0, %s)", name, (template:gsub("%$b", constant(region, i))))
    branch_on_t(region, i)
  end
end

local function count_compare_cell(name)
  return function(region, i)
    local b = cell_b(region, i)
    branch_on_answer(region, i, { b }, format("%s(low0, high0, value[%s])", name, b))
  end
end

local function counts_compare(name)
  return function(region, i)
    put(region, "t = %s(low0, high0, low1, high1)", name)
    branch_on_t(region, i)
  end
end

local function into(region, i) return region.temporaries + region.code.into[i] end

local function arithmetic(name)
  return function(region, i)
    put(
      region, "%s(%s, %s, %d, %s)",
      name, cell_a(region, i), cell_b(region, i), into(region, i), tostring(region.code.sense[i] == 1)
    )
  end
end

local function fold(name)
  return function(region, i)
    put(
      region, "%s(%s, %d, %s, %d, %d, row, %s, %s)",
      name, cell_a(region, i), region.code.widths[i], body(region, i), region.code.field[i], into(region, i),
      outer(region), tostring(region.code.sense[i] == 1)
    )
  end
end

-- By name of the instruction.
local EMIT = {
  ACCEPT = function(region) put(region, "do return true, met end") end,
  REJECT = function(region) put(region, "do return false, met end") end,
  CONSTANT = function(region, i)
    local truth = (region.code.b[i] == 1) == (region.code.negate[i] == 0)
    if truth == (region.code.sense[i] == 1) then put(region, "%s", go(region, i + region.code.jump[i])) end
  end,
  EXISTS = function(region, i)
    put(region, "t = state[%s]", cell_a(region, i))
    put(
      region, "if t == 2 then %s elseif %s then %s end",
      unknown_part(region, i), jumps_on_true(region.code, i) and "t == 1" or "t ~= 1",
      go(region, i + region.code.jump[i])
    )
  end,
  TRUTH = with_constant("$a == 1"),
  EQ_STRING = with_constant("$a == strings[$b]"),
  STARTS_STRING = with_constant("starts($a, strings[$b])"),
  ENDS_STRING = with_constant("ends($a, strings[$b])"),
  CONTAINS_STRING = with_constant("contains($a, strings[$b])"),
  IN_STRINGS = with_constant("sets[$b][$a]"),
  EQ_NUMBER = with_constant("$a == numbers[$b]"),
  LT_NUMBER = with_constant("$a < numbers[$b]"),
  LE_NUMBER = with_constant("$a <= numbers[$b]"),
  IN_NUMBERS = with_constant("sets[$b][$a]"),
  EQ_MEMBER = with_constant("$a == $b"),
  LT_MEMBER = with_constant("$a < $b"),
  LE_MEMBER = with_constant("$a <= $b"),
  IN_MEMBERS = with_constant("sets[$b][$a]"),
  EQ_ADDRESS = with_constant("$a == networks[$b]"),
  IN_NETWORK = with_constant("in_network($a, networks[$b])"),
  IN_NETWORKS = with_constant("in_networks($a, networks_of[$b])"),
  EQ_STRINGS = with_cell("$a == $b"),
  STARTS_STRINGS = with_cell("starts($a, $b)"),
  ENDS_STRINGS = with_cell("ends($a, $b)"),
  CONTAINS_STRINGS = with_cell("contains($a, $b)"),
  EQ_NUMBERS = with_cell("$a == $b"),
  LT_NUMBERS = with_cell("$a < $b"),
  LE_NUMBERS = with_cell("$a <= $b"),
  EQ_ADDRESSES = with_cell("$a == $b"),
  IN_CIDR = with_cell("in_network($a, $b)"),
  LT_STRING = with_constant("$a < strings[$b]"),
  LE_STRING = with_constant("$a <= strings[$b]"),
  LT_STRINGS = with_cell("$a < $b"),
  LE_STRINGS = with_cell("$a <= $b"),
  MATCHES = with_constant("matches($a, automata[$b])"),
  IN_HOURS = function(region, i)
    local a = cell_a(region, i)
    branch_on_answer(region, i, { a }, format("in_hours(value[%s], schedules[%s])", a, constant(region, i)))
  end,
  HAS_STRING = has("strings[$b]"),
  HAS_NUMBER = has("numbers[$b]"),
  HAS_MEMBER = has("$b"),
  HAS_ADDRESS = has("networks[$b]"),
  IN_LIST = function(region, i)
    local a, b = cell_a(region, i), cell_b(region, i)
    branch_on_answer(region, i, { a, b }, format("has(%s, value[%s])", b, a))
  end,
  IN_CIDRS = function(region, i)
    local a, b = cell_a(region, i), cell_b(region, i)
    branch_on_answer(region, i, { a, b }, format("in_cidrs(value[%s], %s)", a, b))
  end,
  ANY = quantifier("true"),
  ALL = quantifier("false"),
  COUNT = function(region, i)
    local register = region.code.register[i]
    put(
      region, "low%d, high%d = count(%s, %d, %s, row, %s)",
      register, register, cell_a(region, i), region.code.widths[i], body(region, i), outer(region)
    )
  end,
  EQ_COUNT = count_compare("count_equals", "numbers[$b]"),
  LT_COUNT = count_compare("count_less", "numbers[$b]"),
  LE_COUNT = count_compare("count_at_most", "numbers[$b]"),
  EQ_COUNT_CELL = count_compare_cell("count_equals"),
  LT_COUNT_CELL = count_compare_cell("count_less"),
  LE_COUNT_CELL = count_compare_cell("count_at_most"),
  EQ_COUNTS = counts_compare("counts_equal"),
  LT_COUNTS = counts_compare("counts_less"),
  LE_COUNTS = counts_compare("counts_at_most"),
  LOAD_NUMBER = function(region, i)
    put(region, "load_number(%d, numbers[%s])", into(region, i), constant(region, i))
  end,
  ADD = arithmetic("add"),
  SUBTRACT = arithmetic("subtract"),
  MULTIPLY = arithmetic("multiply"),
  LOWER = function(region, i) put(region, "lowered(%s, %d)", cell_a(region, i), into(region, i)) end,
  LOOKUP = function(region, i)
    put(region, "look_up(%s, maps[%d], %d)", cell_a(region, i), region.code.b[i], into(region, i))
  end,
  TALLY = function(region, i)
    put(
      region, "tally(%s, %d, %s, %d, row, %s)",
      cell_a(region, i), region.code.widths[i], body(region, i), into(region, i), outer(region)
    )
  end,
  SUM = fold("sum"),
  MIN = fold("min"),
  MAX = fold("max"),
}

local function has_body(op)
  local kind = INSTRUCTIONS[op].b
  return kind == "body" or kind == "bodyOrNone"
end

-- Instructions of a region itself, in order, without those of bodies in it.
local function instructions_of(code, first, stop)
  local list, i = {}, first
  while i < stop do
    list[#list + 1] = i
    i = has_body(code.op[i]) and i + 1 + code.b[i] or i + 1
  end
  return list
end

local Translator = {}
Translator.__index = Translator

local M = {}

-- Sets as tables of what cells hold; networks as two sorted lists.
local function sets_of(constants)
  local sets, networks_of = {}, {}
  for i, set in pairs(constants.sets) do
    local own = {}
    if set.kind == K.SET_NETWORKS then
      own = { v4 = {}, v6 = {} }
      networks_of[i] = own
    else
      sets[i] = own
    end
    for e = set.first, set.stop - 1 do
      local element = constants.set_elements[e]
      if set.kind == K.SET_STRINGS then
        own[constants.strings[element]] = true
      elseif set.kind == K.SET_NUMBERS then
        own[constants.numbers[element]] = true
      elseif set.kind == K.SET_MEMBERS then
        own[element] = true
      else
        local network = constants.networks[element]
        -- v4 networks come first, and have a prefix of 96 at least.
        local list = network:sub(1, 12) == operations.MAPPED and own.v4 or own.v6
        list[#list + 1] = network
      end
    end
  end
  return sets, networks_of
end

-- `piece_max`: another length of pieces, for tests.
function M.new(program, cells, piece_max)
  local constants = program.constants
  local sets, networks_of = sets_of(constants)
  local maps = {}
  for i, map in pairs(program.maps) do maps[i] = map.entries end
  return setmetatable({
    code = program.code,
    piece_max = piece_max or PIECE_MAX,
    first_temporary = program.cells,
    -- Translated bodies by the instruction in front of them.
    bodies = {},
    routines = {},
    environment = {
      cells.state, cells.value, constants.strings, constants.numbers, constants.networks, constants.automata,
      constants.schedules, sets, networks_of, maps, program.rows,
    },
    own = operations.of(cells),
  }, Translator)
end

-- The function of one piece. `entries`: instructions in it to which other pieces jump.
function Translator:piece(region, list, from, to, entries)
  local code = self.code
  region.lines, region.labels = {}, {}
  region.stop = list[to + 1] or region.region_stop
  local names = {}
  for _, entry in ipairs(entries) do
    region.labels[entry] = true
    names[#names + 1] = format("if entry == %d then goto L%d end", entry, entry)
  end
  for k = from, to do
    local i = list[k]
    local name = INSTRUCTIONS[code.op[i]].name
    -- The label first: jumps lead forward, so by now it is known whether there is one.
    if region.labels[i] then put(region, "::L%d::", i) end
    EMIT[name](region, i)
  end
  -- What goes on behind a region's last piece has answered; the verifier saw that.
  if list[to + 1] then put(region, "do return %d, met end", list[to + 1]) end
  local source = HEAD .. concat(names, "\n") .. "\n" .. concat(region.lines, "\n") .. "\nend"
  local environment = self.environment
  local chunk = assert(loadstring(source, "=ipe"))
  return chunk(
    environment[1], environment[2], environment[3], environment[4], environment[5], environment[6], environment[7],
    environment[8], environment[9], environment[10], environment[11], self.bodies, operations, self.own
  )
end

-- Pieces one after the other; `piece_of` by the instruction where execution comes in.
local function joined(first, piece_of)
  return function(mode, row, e1, e2)
    local met, at = false, first
    while true do
      local answer, unknown = piece_of[at](mode, row, e1, e2, at)
      met = met or unknown
      if answer == true or answer == false then return answer, met end
      at = answer
    end
  end
end

-- Where the pieces of a region end, as places in its list. Registers do not go from piece to piece, so a COUNT stays with
-- what stands behind it.
local function piece_ends(code, list, piece_max)
  local ends, from = {}, 1
  for k = 1, #list do
    if k - from + 1 >= piece_max and code.op[list[k]] ~= K.OP_COUNT then
      ends[#ends + 1] = k
      from = k + 1
    end
  end
  if ends[#ends] ~= #list then ends[#ends + 1] = #list end
  return ends
end

-- The function of the region from `first` to `stop`, with those of the bodies in it.
function Translator:region(first, stop, depth)
  local code = self.code
  local list = instructions_of(code, first, stop)
  for _, i in ipairs(list) do
    if has_body(code.op[i]) and code.b[i] > 0 then
      self.bodies[i] = self:region(i + 1, i + 1 + code.b[i], depth + 1)
    end
  end
  local region = {
    code = code,
    depth = depth,
    region_stop = stop,
    temporaries = self.first_temporary + depth * K.LIMIT_TEMPORARIES_MAX,
  }
  local ends = piece_ends(code, list, self.piece_max)
  if #ends == 1 then return self:piece(region, list, 1, #list, {}) end
  -- By piece: where jumps of earlier pieces lead to, each once, and its start.
  local piece_at, entries, known = {}, {}, {}
  local piece = 1
  for k, i in ipairs(list) do
    if k > ends[piece] then piece = piece + 1 end
    piece_at[i] = piece
  end
  for p = 1, #ends do entries[p] = {} end
  for _, i in ipairs(list) do
    local target = INSTRUCTIONS[code.op[i]].branch and i + code.jump[i]
    if target and piece_at[target] ~= piece_at[i] and not known[target] then
      known[target] = true
      table.insert(entries[piece_at[target]], target)
    end
  end
  local piece_of, from = {}, 1
  for p, to in ipairs(ends) do
    local made = self:piece(region, list, from, to, entries[p])
    piece_of[list[from]] = made
    for _, entry in ipairs(entries[p]) do piece_of[entry] = made end
    from = to + 1
  end
  return joined(first, piece_of)
end

-- The function of a routine; each is translated once.
function Translator:routine(index)
  if index == -1 then return nil end
  local made = self.routines[index]
  if made == nil then
    made = self:region(self.code.starts[index], self.code.starts[index + 1], 0)
    self.routines[index] = made
  end
  return made
end

return M
