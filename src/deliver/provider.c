#include "deliver/provider.h"

#include <stddef.h>

#include "deliver/level.h"

enum {
  MICROSOFT,
  OUTLOOK,
  GOOGLE,
  YAHOO,
  APPLE,
  MIMECAST,
  BARRACUDA,
  GMX,
  ORANGE,
  QQ,
  NETEASE,
  COMCAST
};

/* what their postmasters write, and senders have found out; Microsoft takes
   200 recipients of one domain */
static const ds_provider providers[] = {
    [MICROSOFT] = {"microsoft365", 5, 50, 200},
    [OUTLOOK] = {"outlook", 5, 50, 200},
    [GOOGLE] = {"google", 5, 50, 0},
    [YAHOO] = {"yahoo", 5, 20, 0},
    [APPLE] = {"apple", 10, 5, 0},
    [MIMECAST] = {"mimecast", 10, 100, 0},
    [BARRACUDA] = {"barracuda", 10, 15, 0},
    [GMX] = {"gmx", 4, 20, 0},
    [ORANGE] = {"orange", 2, 100, 0},
    [QQ] = {"qq", 4, 8, 0},
    [NETEASE] = {"netease", 4, 7, 0},
    [COMCAST] = {"comcast", 25, 1000, 0},
};

/* the longer name first where one is within the other */
static const struct {
  const char *name;
  int of;
} hosts[] = {
    {"olc.protection.outlook.com", OUTLOOK},
    {"mail.protection.outlook.com", MICROSOFT},
    {"mx.microsoft", MICROSOFT},
    {"mail.protection.office365.us", MICROSOFT},
    {"mail.protection.partner.outlook.cn", MICROSOFT},
    {"google.com", GOOGLE},
    {"googlemail.com", GOOGLE},
    {"yahoodns.net", YAHOO},
    {"icloud.com", APPLE},
    {"mimecast.com", MIMECAST},
    {"mimecast.co.za", MIMECAST},
    {"mimecast-offshore.com", MIMECAST},
    {"barracudanetworks.com", BARRACUDA},
    {"gmx.net", GMX},
    {"web.de", GMX},
    {"orange.fr", ORANGE},
    {"qq.com", QQ},
    {"netease.com", NETEASE},
    {"comcast.net", COMCAST},
};

const ds_provider *ds_provider_of (const char *host) {
  size_t i;
  for (i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
    if (ds_host_within(host, hosts[i].name))
      return &providers[hosts[i].of];
  return NULL;
}
