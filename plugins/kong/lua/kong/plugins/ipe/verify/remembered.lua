-- A judgement on texts, made once for each: many entries may name one long text, and a loader's time is to grow with the
-- bundle only. Nil becomes false.
return function(judge)
  local known = {}
  return function(text)
    local answer = known[text]
    if answer == nil then
      answer = judge(text) or false
      known[text] = answer
    end
    return answer
  end
end
