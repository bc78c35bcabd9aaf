-- warnings: what is to be said against the keys that a message was signed
-- with: the message keeps it, and a mailer tells it once.

local warnings = {}

-- warnings.add: these texts too, behind what the message has
function warnings.add(m, texts)
  for _, text in ipairs(texts or {}) do
    m.warnings = m.warnings or {}
    table.insert(m.warnings, text)
  end
end

-- warnings.tell: put into the report what the mailer has not told before
function warnings.tell(mailer, report, texts)
  local told = mailer.told or {}
  mailer.told = told
  for _, text in ipairs(texts) do
    if not told[text] then
      told[text], report.warnings = true, report.warnings or {}
      table.insert(report.warnings, text)
    end
  end
end

return warnings
