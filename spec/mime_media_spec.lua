local mime = require "directsend.test".mime

describe("a file's type", function()
  it("is told by its name", function()
    local cases = { ["a.pdf"] = "application/pdf", ["A.PDF"] = "application/pdf", ["a.b.jpeg"] = "image/jpeg",
                    ["a.txt"] = "text/plain", ["a.tar.gz"] = "application/gzip", [".png"] = "image/png",
                    ["a.zst"] = "application/zstd", ["a.7z"] = "application/x-7z-compressed",
                    ["x.docx"] = "application/vnd.openxmlformats-officedocument.wordprocessingml.document" }
    for name, type in pairs(cases) do assert.equal(type, mime.media_of(name)) end
  end)

  it("is octets where the name tells nothing", function()
    for _, name in ipairs { "", "pdf", "a.", "a.pdfx", "a.pd", "a pdf", "." } do
      assert.equal("application/octet-stream", mime.media_of(name))
    end
  end)
end)

describe("a media type", function()
  it("is two tokens, and parameters that are tokens", function()
    for _, s in ipairs { "a/b", "text/csv; charset=utf-8", "text/csv;a=b ; c=d", "application/vnd.x+json", " text/plain " } do
      assert.is_true(mime.media_ok(s))
    end
  end)

  it("is nothing else", function()
    for _, s in ipairs { "", "text", "text/", "/plain", "text/plain\r\nX: y", "text/pl ain", "a/b/c", "text/plain;",
                         "text/plain; charset", 'text/plain; charset="x"', "text/plain; charset=utf-8\"\r\n",
                         "t\195\169xt/plain", "multipart/mixed", "Multipart/X", "a/" .. ("b"):rep(300) } do
      assert.is_false(mime.media_ok(s), s)
    end
  end)
end)

describe("a file name", function()
  it("is the last part of a path", function()
    local cases = { ["a.txt"] = "a.txt", ["../../etc/passwd"] = "passwd", ["/abs/x"] = "x", ["C:\\x\\y.txt"] = "y.txt",
                    ["\\\\host\\share\\z"] = "z", ["..\\w"] = "w", [".\\w"] = "w", ['a"b\\c.txt'] = 'a"b\\c.txt',
                    ["/tmp/a\\b"] = "a\\b", ["\227\131\134.txt"] = "\227\131\134.txt", ["..."] = "...", [" "] = " " }
    for path, name in pairs(cases) do assert.equal(name, mime.media_name(path)) end
  end)

  it("is refused where it is none, breaks out or deceives", function()
    for _, s in ipairs { "", ".", "..", "a/", "/", "a/..", "C:\\", "C:\\x\\..", "x\r\nContent-Type: text/html", "a\0b",
                         "a\nb/c", "\255", ("x"):rep(1025), "\226\128\174fdp.exe", "a\226\128\143b", "\226\128\142",
                         "a\226\129\166b", "a\226\129\169", "\216\156x", "a\226\128\170" } do
      local ok, _, code = mime.media_name(s)
      assert.is_nil(ok, s)
      assert.equal(-2, code)
    end
  end)

  it("may have other marks of the same block", function()
    for _, s in ipairs { "a\226\128\147b", "\226\128\139", "\226\129\165", "\226\129\170", "\226\128\175" } do
      assert.equal(s, mime.media_name(s))
    end
  end)
end)
