-- What drivers for tests share: a line of JSON in, a line of JSON out; bytes are base64.
local bit = require("bit")
local json = require("kong.plugins.ipe.request.json")

local M = {}

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local VALUES = {}
for i = 1, #LETTERS do VALUES[LETTERS:byte(i)] = i - 1 end

function M.bytes_of(base64)
  local parts, count = {}, 0
  for i = 1, #base64, 4 do
    local a, b, c, d = base64:byte(i, i + 3)
    a, b, c, d = VALUES[a], VALUES[b], VALUES[c], VALUES[d]
    local word = a * 0x40000 + b * 0x1000 + (c or 0) * 0x40 + (d or 0)
    local first, second, third = bit.rshift(word, 16), bit.band(bit.rshift(word, 8), 255), bit.band(word, 255)
    count = count + 1
    parts[count] = d and string.char(first, second, third) or c and string.char(first, second) or string.char(first)
  end
  return table.concat(parts)
end

-- The value of a node as tables; `null` is left out.
local function value_of(tape, node)
  local kind = tape.kind[node]
  if kind == json.NULL then return nil end
  if kind == json.TRUE or kind == json.FALSE then return kind == json.TRUE end
  if kind == json.NUMBER then return tonumber(tape:spelling(node)) end
  if kind == json.STRING or kind == json.ESCAPED then return tape:string(node) end
  local made, child = {}, node + 1
  while child < tape.behind[node] do
    if kind == json.ARRAY then
      made[#made + 1] = value_of(tape, child)
    else
      made[tape.names[child]] = value_of(tape, child + 1)
    end
    child = tape.behind[child]
  end
  return made
end

local function quoted(text)
  if text == nil then return "null" end
  return '"' .. text:gsub('[%z\1-\31"\\\127]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end
M.quoted = quoted

-- Answers every line until there is none. `answer` makes JSON of what was asked.
function M.serve(answer)
  -- Whatever a module does with a global of its own is a mistake of it.
  setmetatable(_G, {
    __index = function(_, name) error("global " .. tostring(name) .. " is read") end,
    __newindex = function(_, name) error("global " .. tostring(name) .. " is set") end,
  })
  local tape = json.new_tape()
  io.stdout:setvbuf("full")
  for line in io.lines() do
    local ok, text = false, "the line is no JSON"
    if tape:scan(line) then ok, text = pcall(answer, value_of(tape, 1)) end
    io.stdout:write(ok and text or '{"failed":' .. quoted(tostring(text)) .. "}", "\n")
    io.stdout:flush()
  end
end

return M
