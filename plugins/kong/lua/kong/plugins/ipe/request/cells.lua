-- The cells of one request: lists of states and values, from 0 on. A slot takes one cell in the global frame (a record one
-- more for every cell of its fields); elements of lists are cells behind them. What a cell holds by its type:
--
--   string                            the string
--   int, float, datetime, duration    the number
--   bool                              0 or 1
--   enum                              the member's index (`resource.type`: -1 where nothing matches)
--   ip, cidr                          17 bytes: the address (v4 as v4-mapped) and the prefix length in 128 bits
--   list                              the first element's cell; their number is in `length`
--   record                            nothing: the fields are the cells behind it
--
-- So two equal values of one type are equal in Lua. One object is used for all requests, one after the other.
local ABSENT, PRESENT, INVALID = 0, 1, 2

local Cells = {}
Cells.__index = Cells

local M = { ABSENT = ABSENT, PRESENT = PRESENT, INVALID = INVALID }

function M.new() return setmetatable({ state = {}, value = {}, length = {}, count = 0 }, Cells) end

-- Take `count` new cells, absent; returns the first one's index.
function Cells:take(count)
  local first, state = self.count, self.state
  for cell = first, first + count - 1 do state[cell] = ABSENT end
  self.count = first + count
  return first
end

-- Forget everything; the first `count` cells become absent.
function Cells:reset(count)
  self.count = 0
  self:take(count)
end

function Cells:set(cell, value)
  self.state[cell] = PRESENT
  self.value[cell] = value
end

-- Makes a value and, in a record, all its fields invalid.
function Cells:invalidate(shape, cell)
  local state = self.state
  for i = cell, cell + shape.width - 1 do state[i] = INVALID end
end

return M
