-- Rule 12: jumps, ends of regions, and counts with the compares that use them.
local has_body = require("kong.plugins.ipe.verify.instructions").has_body
local K = require("kong.plugins.ipe.gen.constants")
local refuse = require("kong.plugins.ipe.verify.refusal").refuse

local INSTRUCTIONS = K.INSTRUCTIONS

-- Where execution goes on in the region if no jump is taken: the next instruction, or the one behind the body.
local function behind(code, i) return has_body(code.op[i]) and i + 1 + code.b[i] or i + 1 end

-- One past the last instruction of the region that `i` stands in.
local function region_end(code, i)
  local region = code.regions[i]
  return region < 0 and code.starts[-region] or behind(code, region)
end

-- The opcode at `at` if it stands in the region of `beside`.
local function op_in(code, at, beside) return at < region_end(code, beside) and code.op[at] or nil end

-- By instruction: true where some jump lands on it.
local function jump_targets(code)
  local targets = {}
  for i = 0, code.count - 1 do
    local info = INSTRUCTIONS[code.op[i]]
    if info.branch then
      local jump = code.jump[i]
      if jump == 0 then refuse(code.rows:at(i), info.name .. " branches and its jump is 0") end
      local target = i + jump
      if target >= code.count or code.regions[target] ~= code.regions[i] then
        refuse(code.rows:at(i), "its jump of " .. jump .. " leads out of its routine or body, or into another body")
      end
      targets[target] = true
    end
  end
  return targets
end

local function is_compare(op, first, last) return op ~= nil and op >= first and op <= last end

-- By instruction: true where it is a compare, or a COUNT into register 1, that a COUNT into register 0 leads to.
local function claimed_by_counts(code)
  local claimed = {}
  for i = 0, code.count - 1 do
    if code.op[i] == K.OP_COUNT and code.register[i] == 0 then
      local next_one = behind(code, i)
      local second = op_in(code, next_one, i)
      if is_compare(second, K.OP_EQ_COUNT, K.OP_LE_COUNT_CELL) then
        claimed[next_one] = true
      else
        if second ~= K.OP_COUNT or code.register[next_one] ~= 1 then
          refuse(code.rows:at(i), "no compare that uses the COUNT follows it")
        end
        local last = behind(code, next_one)
        if not is_compare(op_in(code, last, i), K.OP_EQ_COUNTS, K.OP_LE_COUNTS) then
          refuse(code.rows:at(i), "no compare of both registers follows the two COUNT")
        end
        claimed[next_one] = true
        claimed[last] = true
      end
    end
  end
  return claimed
end

local function needs_count(code, i)
  local op = code.op[i]
  return is_compare(op, K.OP_EQ_COUNT, K.OP_LE_COUNTS) or (op == K.OP_COUNT and code.register[i] == 1)
end

-- Rule 12, after the bodies are known to nest. INVARIANT: jumps lead forward inside their region and no region falls
-- off its end, so every run ends; what follows an end is jumped to, so no code is dead.
return function(code)
  local targets = jump_targets(code)
  local claimed = claimed_by_counts(code)
  for i = 0, code.count - 1 do
    local where = code.rows:at(i)
    local op = code.op[i]
    local info = INSTRUCTIONS[op]
    if needs_count(code, i) then
      if not claimed[i] then refuse(where, info.name .. " without the COUNT that it needs in front of it") end
      if targets[i] then refuse(where, "a jump lands between " .. info.name .. " and the COUNT in front of it") end
    end
    if info.computes then
      local next_one = behind(code, i)
      local test = op_in(code, next_one, i)
      local joins = test and (INSTRUCTIONS[test].computes or INSTRUCTIONS[test].branch or test == K.OP_COUNT)
      if not joins then refuse(where, "no test follows what " .. info.name .. " computes") end
      if targets[next_one] then
        refuse(where, "a jump lands between " .. info.name .. " and what reads it")
      end
    end
    local at_end = behind(code, i) == region_end(code, i)
    if op ~= K.OP_ACCEPT and op ~= K.OP_REJECT then
      -- Jumps and counts that lead nowhere are refused above: this holds should an instruction be neither.
      if at_end then refuse(where, info.name .. " ends a routine or body, which must end in ACCEPT or REJECT") end
    elseif not at_end and not targets[i + 1] then
      refuse(code.rows:at(i + 1), "nothing leads to it, behind " .. info.name)
    end
  end
end
