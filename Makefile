LUA = 5.4
CC = gcc
CFLAGS = -O2 -g
WARN = -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
PKG_jit = luajit
PKG = $(if $(filter jit,$(LUA)),luajit,lua$(LUA))
LUA_CFLAGS = $(shell pkg-config --cflags $(PKG))
B = build/$(LUA)

ROOMS = util mime smtp dns session deliver net
CORE = $(wildcard $(ROOMS:%=src/%/*.c))
ALL = $(CORE) $(wildcard src/tls/*.c)
TESTS = $(wildcard src/lua/test*.c)
BIND = $(filter-out $(TESTS) src/lua/tls.c,$(wildcard src/lua/*.c))
C = $(CC) $(WARN) $(CFLAGS) -D_GNU_SOURCE -fPIC -fvisibility=hidden -Isrc
H = $(wildcard src/*/*.h)

all: $(B)/directsend/core.so $(B)/directsend/tls.so
door: $(B)/directsend/test.so

obj = $(1:src/%.c=build/obj/%.o)
lobj = $(1:src/lua/%.c=$(B)/obj/%.o)

build/obj/%.o: src/%.c $(H)
	@mkdir -p $(@D)
	$(C) -c -o $@ $<
$(B)/obj/%.o: src/lua/%.c $(H)
	@mkdir -p $(@D)
	$(C) $(LUA_CFLAGS) -c -o $@ $<
$(B)/directsend/core.so: $(call obj,$(CORE)) $(call lobj,$(BIND))
	@mkdir -p $(@D)
	$(CC) -shared -o $@ $^ $(LDFLAGS) -lresolv
$(B)/directsend/tls.so: $(call obj,$(wildcard src/tls/*.c src/util/*.c)) $(call lobj,src/lua/tls.c)
	@mkdir -p $(@D)
	$(CC) -shared -o $@ $^ $(LDFLAGS) -lssl -lcrypto
$(B)/directsend/test.so: $(call obj,$(ALL)) $(call lobj,$(BIND) $(TESTS))
	@mkdir -p $(@D)
	$(CC) -shared -o $@ $^ $(LDFLAGS) -lresolv -lssl -lcrypto
.PHONY: all door
