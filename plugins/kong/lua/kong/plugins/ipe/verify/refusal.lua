-- How a rule says no: an error that `load.lua` catches and hands on as text.
local M = {}

local Refusal = {}

-- `where` names the section and the entry, `what` the broken rule.
function M.refuse(where, what)
  error(setmetatable({ text = where .. ": " .. what }, Refusal), 0)
end

-- The text of an error that `refuse` raised, or nil where it is another one.
function M.text_of(err)
  if type(err) == "table" and getmetatable(err) == Refusal then return err.text end
  return nil
end

local SHOWN_MAX = 60

-- A text of the bundle for a message: in backticks, everything but visible ASCII escaped, cut where it is long.
function M.shown(text)
  local cut = #text > SHOWN_MAX and text:sub(1, SHOWN_MAX) .. "..." or text
  return "`" .. cut:gsub("[^ -~]", function(c) return ("\\x%02x"):format(c:byte()) end) .. "`"
end

return M
