-- What translated code calls: tests and computations that are more than one comparison of Lua. Tests answer true, false,
-- or nil for unknown; whoever calls one that takes cells has seen that they are present, unless it says otherwise.
local bit = require("bit")
local bytes_of = require("kong.plugins.ipe.bytes")
local contains = require("kong.plugins.ipe.runtime.text_search")

local band, bxor, lshift, rshift = bit.band, bit.bxor, bit.lshift, bit.rshift
local byte, lower, sub = string.byte, string.lower, string.sub
local floor = math.floor
local is_v4 = bytes_of.is_v4

local ABSENT, PRESENT, INVALID = 0, 1, 2
local SAFE_MAX = 9007199254740991
local INFINITY = math.huge
local MINUTE_MS = 60000
local DAY_MINUTES = 1440
-- States 0 and 1 of an automaton are its answers.
local FIRST_ROW, YES = 2, 1

local M = { MAPPED = bytes_of.MAPPED }

-- --- strings ---

function M.starts(text, part) return sub(text, 1, #part) == part end

function M.ends(text, part) return part == "" or sub(text, -#part) == part end

M.contains = contains

-- One look-up for each byte, until the answer is settled.
function M.matches(text, automaton)
  local class_of, targets, width = automaton.class_of, automaton.targets, automaton.classes + 1
  local state = automaton.start
  for i = 1, #text do
    if state < FIRST_ROW then return state == YES end
    state = targets[(state - FIRST_ROW) * width + class_of[byte(text, i)]]
  end
  if state >= FIRST_ROW then state = targets[(state - FIRST_ROW) * width + width - 1] end
  return state == YES
end

-- --- addresses ---

-- v4 lies in v4 networks only, v6 in v6 networks only. Both are strings of 17 bytes.
local function in_network(address, network)
  local prefix = byte(network, 17)
  if prefix < 96 and is_v4(address) then return false end
  local whole, rest = rshift(prefix, 3), band(prefix, 7)
  if sub(address, 1, whole) ~= sub(network, 1, whole) then return false end
  if rest == 0 then return true end
  local difference = bxor(byte(address, whole + 1), byte(network, whole + 1))
  return band(difference, lshift(0xff, 8 - rest), 0xff) == 0
end
M.in_network = in_network

-- Networks ascend and lie apart: only the last one that does not come after the address may hold it. LuaJIT compares
-- strings by bytes; the prefix length of an address is the greatest there is.
function M.in_networks(address, set)
  local networks = is_v4(address) and set.v4 or set.v6
  local low, high = 0, #networks
  while low < high do
    local middle = rshift(low + high + 1, 1)
    if networks[middle] <= address then low = middle else high = middle - 1 end
  end
  return low > 0 and in_network(address, networks[low])
end

-- --- time ---

function M.in_hours(ms, schedule)
  local minutes = schedule.minutes
  local minute = floor(ms / MINUTE_MS)
  if minute < minutes[1] or minute >= schedule.limit then return nil end
  local low, high = 1, #minutes + 1
  while high - low > 1 do
    local middle = rshift(low + high, 1)
    if minutes[middle] <= minute then low = middle else high = middle end
  end
  local here = minute + schedule.offsets[low]
  local day = floor(here / DAY_MINUTES)
  local of_day = here - day * DAY_MINUTES
  -- 1970-01-01 was a Thursday.
  return band(rshift(schedule.days, (day + 3) % 7), 1) == 1 and of_day >= schedule.from and of_day < schedule.to
end

-- --- counts: the sure and the possible number, nil where the list is unknown ---

function M.count_equals(low, high, number)
  if low == nil then return nil end
  if number < low or number > high or number % 1 ~= 0 then return false end
  if low == high then return true end
  return nil
end

function M.count_less(low, high, number)
  if low == nil then return nil end
  if high < number then return true end
  if low >= number then return false end
  return nil
end

function M.count_at_most(low, high, number)
  if low == nil then return nil end
  if high <= number then return true end
  if low > number then return false end
  return nil
end

-- Of two counts one must be exact. With the sides swapped `n < c` is `not c <= n`, and `n <= c` is `not c < n`.
local function opposite(truth)
  if truth == nil then return nil end
  return not truth
end

function M.counts_equal(low0, high0, low1, high1)
  if low0 == nil or low1 == nil then return nil end
  if low1 == high1 then return M.count_equals(low0, high0, low1) end
  if low0 ~= high0 then return nil end
  return M.count_equals(low1, high1, low0)
end

function M.counts_less(low0, high0, low1, high1)
  if low0 == nil or low1 == nil then return nil end
  if low1 == high1 then return M.count_less(low0, high0, low1) end
  if low0 ~= high0 then return nil end
  return opposite(M.count_at_most(low1, high1, low0))
end

function M.counts_at_most(low0, high0, low1, high1)
  if low0 == nil or low1 == nil then return nil end
  if low1 == high1 then return M.count_at_most(low0, high0, low1) end
  if low0 ~= high0 then return nil end
  return opposite(M.count_less(low1, high1, low0))
end

-- Finite, or for a whole number exact.
local function is_within(value, is_float)
  if is_float then return value < INFINITY and value > -INFINITY end
  return value >= -SAFE_MAX and value <= SAFE_MAX
end

-- The operations that read and write cells. `body` of an aggregate is a translated one: called with the mode, the policy's
-- row and the elements that are frames 1 and 2, it returns its answer and whether it met an unknown. `outer`: the element
-- around, nil where there is none.
function M.of(cells)
  local state, value, length = cells.state, cells.value, cells.length
  local own = {}

  local function run(body, mode, row, outer, cell)
    if outer then return body(mode, row, outer, cell) end
    return body(mode, row, cell)
  end

  -- --- lists: the elements of HAS_* and IN_* take one cell each ---

  function own.has(list, constant)
    local first = value[list]
    local answer = false
    for cell = first, first + length[list] - 1 do
      if state[cell] ~= PRESENT then
        answer = nil
      elseif value[cell] == constant then
        return true
      end
    end
    return answer
  end

  function own.in_cidrs(address, list)
    local first = value[list]
    local answer = false
    for cell = first, first + length[list] - 1 do
      if state[cell] ~= PRESENT then
        answer = nil
      elseif in_network(address, value[cell]) then
        return true
      end
    end
    return answer
  end

  -- ANY and ALL: `decisive` is the truth of one body that settles it. The list may be not present. Also returns whether an
  -- unknown was met.
  function own.quantify(decisive, list, width, body, mode, row, outer)
    if state[list] ~= PRESENT then return nil, true end
    local first, met = value[list], false
    for cell = first, first + (length[list] - 1) * width, width do
      local truth, unknown = run(body, mode, row, outer, cell)
      met = met or unknown
      if truth == decisive then return decisive, met end
    end
    return not decisive, met
  end

  -- Elements for which the body is true, surely and possibly; without a body those that are there are sure, the others
  -- possible. Nothing where the list is not present.
  local function count(list, width, body, row, outer)
    if state[list] ~= PRESENT then return nil, nil end
    local first, sure, possible = value[list], 0, 0
    for cell = first, first + (length[list] - 1) * width, width do
      if body == nil then
        possible = possible + 1
        if state[cell] == PRESENT then sure = sure + 1 end
      else
        local truth, unknown = run(body, false, row, outer, cell)
        if truth then
          sure = sure + 1
          possible = possible + 1
        elseif unknown and run(body, true, row, outer, cell) then
          possible = possible + 1
        end
      end
    end
    return sure, possible
  end
  own.count = count

  -- --- computed values ---

  function own.load_number(into, number)
    state[into] = PRESENT
    value[into] = number
  end

  local function give(into, number, is_float)
    state[into] = is_within(number, is_float) and PRESENT or INVALID
    value[into] = number
  end

  local function both(a, b, into)
    if state[a] == PRESENT and state[b] == PRESENT then return true end
    state[into] = INVALID
    return false
  end

  function own.add(a, b, into, is_float)
    if both(a, b, into) then give(into, value[a] + value[b], is_float) end
  end

  function own.subtract(a, b, into, is_float)
    if both(a, b, into) then give(into, value[a] - value[b], is_float) end
  end

  function own.multiply(a, b, into, is_float)
    if both(a, b, into) then give(into, value[a] * value[b], is_float) end
  end

  -- LuaJIT's `lower` knows ASCII only.
  function own.lowered(a, into)
    if state[a] ~= PRESENT then
      state[into] = INVALID
      return
    end
    state[into] = PRESENT
    value[into] = lower(value[a])
  end

  -- Absent where the key is present and not in the map.
  function own.look_up(a, entries, into)
    if state[a] ~= PRESENT then
      state[into] = INVALID
      return
    end
    local found = entries[value[a]]
    state[into] = found == nil and ABSENT or PRESENT
    value[into] = found
  end

  function own.tally(list, width, body, into, row, outer)
    local sure, possible = count(list, width, body, row, outer)
    state[into] = sure ~= nil and sure == possible and PRESENT or INVALID
    value[into] = sure
  end

  local function sum(total, number) return total and total + number or number end

  local function least(best, number) return (best == nil or number < best) and number or best end

  local function greatest(best, number) return (best == nil or number > best) and number or best end

  -- One number of the fields of all elements that count, from `start` on, with `step`.
  local function fold(step, start, list, width, body, field, into, row, outer, is_float)
    state[into] = INVALID
    if state[list] ~= PRESENT then return end
    local first, result = value[list], start
    for cell = first, first + (length[list] - 1) * width, width do
      local counts = true
      if body then
        local sure, unknown = run(body, false, row, outer, cell)
        if not sure then
          if unknown and run(body, true, row, outer, cell) then return end
          counts = false
        end
      end
      if counts then
        if state[cell + field] ~= PRESENT then return end
        result = step(result, value[cell + field])
        if step == sum and not is_within(result, is_float) then return end
      end
    end
    if result == nil then return end
    state[into] = PRESENT
    value[into] = result
  end

  function own.sum(...) fold(sum, 0, ...) end

  function own.min(...) fold(least, nil, ...) end

  function own.max(...) fold(greatest, nil, ...) end

  return own
end

return M
