# make LUA=5.4|5.1|5.2|5.3|jit CC=… OPENSSL_DIR=… SAN=1; `make help` tells more
LUA = 5.4
CC = gcc
AR = ar
OBJCOPY = objcopy
CFLAGS = -O2 -g
PREFIX = /usr/local
VERSION = 0.1.0

# Lua: interpreter, headers, where modules live ------------------------------
ABI = $(if $(filter jit,$(LUA)),5.1,$(LUA))
LUA_BIN = $(if $(filter jit,$(LUA)),luajit,lua$(LUA))
LUA_NAMES = $(if $(filter jit,$(LUA)),luajit-2.1,\
  lua$(LUA) lua-$(LUA) lua$(subst .,,$(LUA)))
LUA_INC = $(firstword $(wildcard $(foreach p,/usr /usr/local /opt/homebrew,\
  $(LUA_NAMES:%=$(p)/include/%))))
LUADIR = $(PREFIX)/share/lua/$(ABI)
LIBDIR = $(PREFIX)/lib/lua/$(ABI)

# how C is compiled ----------------------------------------------------------
OUT = build$(if $(SAN),/san)
B = $(OUT)/$(LUA)
WARN = -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Wvla $(if $(WERROR),-Werror)
SANFLAGS = $(if $(SAN),-O1 -fsanitize=address -fsanitize=undefined \
  -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
SSL_LIB = $(if $(OPENSSL_DIR),$(firstword $(wildcard \
  $(OPENSSL_DIR)/lib64 $(OPENSSL_DIR)/lib)))
SSL_CFLAGS = $(OPENSSL_DIR:%=-I%/include)
SSL_LIBS = $(SSL_LIB:%=-L%) $(SSL_LIB:%=-Wl,-rpath,%) -lssl -lcrypto
COMPILE = $(CC) $(WARN) $(CFLAGS) $(SANFLAGS) -D_GNU_SOURCE -fPIC -MMD -MP \
  -Isrc $(SSL_CFLAGS)
SHARED = $(CC) -shared $(SANFLAGS) $(LDFLAGS) -Wl,--as-needed
IDN := $(shell echo '\#include <idn2.h>' | $(CC) -E - >/dev/null 2>&1 && echo idn)

# what is made of what -------------------------------------------------------
files = $(wildcard $(1:%=src/%/*.c))
CORE = $(call files,util mime smtp http dns session deliver net) src/tls/peer.c
CRYPTO = $(call files,crypto tls dkim smime)
BIND = $(filter-out $(addprefix src/lua/,test% tls.c idn.c dkim% smime.c),\
  $(call files,lua))
BASE = $(call files,util) $(addprefix src/lua/,class.c field.c compat.c)
MODULES = $(patsubst %,$(B)/directsend/%.so,core tls dkim smime $(IDN))
obj = $(patsubst src/%.c,$(OUT)/obj/%.o,$(filter-out src/lua/%,$(1))) \
  $(patsubst src/lua/%.c,$(B)/obj/%.o,$(filter src/lua/%,$(1)))

all: $(MODULES)
door: $(B)/directsend/test.so
$(B)/directsend/core.so: $(call obj,$(CORE) $(BIND))
bind = $(call obj,$(call files,$(1)) $(BASE) $(wildcard src/lua/$(1)*.c) $(2))
$(B)/directsend/tls.so: $(call bind,tls,$(call files,crypto) src/net/secret.c)
$(B)/directsend/dkim.so: $(call bind,dkim,$(call files,crypto) src/net/secret.c)
$(B)/directsend/smime.so: $(call bind,smime,$(call files,crypto) src/net/secret.c)
$(B)/directsend/idn.so: $(call bind,idn)
$(B)/directsend/test.so: $(call obj,$(CORE) $(CRYPTO) \
  $(filter-out src/lua/idn.c,$(call files,lua)))
$(B)/directsend/%.so: $(OUT)/link # --as-needed: each gets what it asks for
	$(SHARED) -o $@ $(filter %.o,$^) -lresolv $(if $(IDN),-lidn2) $(SSL_LIBS)

$(OUT)/obj/%.o: src/%.c $(OUT)/flags
	@mkdir -p $(@D)
	$(COMPILE) -fvisibility=hidden -c -o $@ $<
$(B)/obj/%.o: src/lua/%.c $(B)/flags $(OUT)/flags
	@mkdir -p $(@D) $(B)/directsend
	$(COMPILE) -fvisibility=hidden $(LUA_INC:%=-I%) -c -o $@ $<

# what all is made with: where that is another now, it is made again, but not to
# be installed, as sudo brings other variables; a missing header is told once
stamp = is='$(subst ','\'',$(strip $(1)))'; printf '%s\n' "$$is" | \
  cmp -s - $@ || { $(2); mkdir -p $(@D); printf '%s\n' "$$is" >$@; }
have = echo '\#include <$(1)>' | $(CC) $(2) -E -x c - >/dev/null 2>&1 || \
  { echo "<$(1)> is missing: install $(3), or run make deps" >&2; exit 1; }
LUA_DEV = lib$(subst jit,jit-5.1,$(subst 5.1,5.1-0,$(LUA_BIN)))-dev
$(OUT)/flags $(OUT)/link $(B)/flags: \
  $(if $(filter install%,$(MAKECMDGOALS)),,again)
$(OUT)/flags:
	@command -v $(CC) >/dev/null || { echo "$(CC) is missing" >&2; exit 1; }
	@$(call stamp,$(filter-out -Werror,$(COMPILE)),$(call have,stdio.h,,\
	  libc6-dev); $(call have,openssl/ssl.h,$(SSL_CFLAGS),libssl-dev))
$(B)/flags: | $(OUT)/flags
	@$(call stamp,$(LUA_INC),$(call have,lua.h,$(LUA_INC:%=-I%),$(LUA_DEV)))
$(OUT)/link:
	@$(call stamp,$(SHARED) $(SSL_LIBS) $(IDN) $(wildcard src/*/*.c),:)

# the C library, laid out in build/lib as it is installed --------------------
L = $(OUT)/lib
LIBOBJ = $(patsubst src/%.c,$(L)/obj/%.o,$(CORE) $(CRYPTO))
LIBNAME = libdirectsend.so.$(basename $(VERSION))
lib: $(L)/lib/libdirectsend.a $(L)/lib/libdirectsend.so \
  $(L)/lib/pkgconfig/directsend.pc $(L)/include/directsend/directsend.h
$(L)/obj/%.o: src/%.c $(OUT)/flags
	@mkdir -p $(@D) $(L)/lib
	$(COMPILE) -c -o $@ $<
# one object: a program that links it meets no name of ours but ds_*
$(L)/directsend.o: $(LIBOBJ) $(OUT)/link
	$(LD) -r -o $@ $(filter %.o,$^)
	$(OBJCOPY) --wildcard --keep-global-symbol='ds_*' $@
$(L)/lib/libdirectsend.a: $(L)/directsend.o
	rm -f $@; $(AR) rcs $@ $^
$(L)/lib/libdirectsend.so: $(L)/directsend.o
	$(SHARED) $(if $(SAN),,-z defs) -Wl,-soname,$(LIBNAME) \
	  -o $(L)/lib/$(LIBNAME) $^ -lresolv $(SSL_LIBS)
	ln -sf $(LIBNAME) $@
$(L)/lib/pkgconfig/directsend.pc: Makefile
	@mkdir -p $(@D); printf '%s\n' 'prefix=$${pcfiledir}/../..' 'Name: directsend' \
	  'Description: delivers mail straight to the recipient MX' \
	  'Version: $(VERSION)' 'Cflags: -I$${prefix}/include/directsend' \
	  'Libs: -L$${prefix}/lib -ldirectsend' \
	  'Libs.private: -lssl -lcrypto -lresolv' >$@
$(L)/include/directsend/directsend.h: $(wildcard src/*.h src/*/*.h)
	@mkdir -p $(@D); cd src && $(CC) -MM -I. directsend.h | sed 's/.*://; s/\\$$//' | \
	  xargs tar cf - | tar xf - -C $(abspath $(@D))
	touch $@

# installing -----------------------------------------------------------------
D = $(DESTDIR)
install: all
	install -d $(D)$(LUADIR) $(D)$(LIBDIR)/directsend $(D)$(PREFIX)/bin
	cd lua && find directsend -name '*.lua' \
	  -exec install -D -m 644 {} $(D)$(LUADIR)/{} \;
	install -m 755 $(MODULES) $(D)$(LIBDIR)/directsend
	install -m 755 bin/directsend $(D)$(PREFIX)/bin
	sed -i -e 's|^lua=lua$$|lua=$(LUA_BIN)|' -e 's|@LUA@|$(abspath $(LUADIR))|' \
	  -e 's|@LIB@|$(abspath $(LIBDIR))|' $(D)$(PREFIX)/bin/directsend
install-lib: lib
	install -d $(D)$(PREFIX) && cp -Rf $(L)/include $(L)/lib $(D)$(PREFIX)

# trying ---------------------------------------------------------------------
SPEC = spec
deps: ; @.ci/deps ci
demo:
	@LUA=$(LUA) .ci/deps demo && .ci/servers && $(MAKE) -s all && \
	  $(RUN) examples/demo/demo.lua
test:
	@LUA=$(LUA) .ci/deps test && .ci/servers && .ci/servers readers
	@$(MAKE) -s all door && $(MAKE) -s all LUA=jit SAN=
	@$(PRELOAD) $(RUN) "$$(command -v busted)" $(SPEC)
floors check fuzz test-readers bench bench-mime: ; @.ci/$@
clean: ; rm -rf build directsend/*.so; find src -name '*.o' -delete
help: ; @cat .ci/help

RUN = LUA_PATH='lua/?.lua;lua/?/init.lua;spec/?.lua;;' LUA_CPATH='$(B)/?.so;;' \
  LUA_BIN=$(LUA_BIN) $(TOOL) $(LUA_BIN)
TOOL = $(if $(VALGRIND),valgrind -q --error-exitcode=9 --leak-check=full)
PRELOAD = $(if $(SAN),LD_PRELOAD="$$($(CC) -print-file-name=libasan.so)" \
  ASAN_OPTIONS=detect_leaks=0)

.PHONY: all door lib install install-lib deps demo test floors check fuzz \
  test-readers bench bench-mime clean help again
-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
