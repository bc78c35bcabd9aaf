/*
** addr: IPv4 and IPv6 addresses as bytes, their text, and whether one is
** fit to be found in the public DNS (RFC 6890, RFC 5156).
*/
#ifndef ds_addr_h
#define ds_addr_h

#include <stddef.h>
#include <stdint.h>

#define DS_IP_TEXT       46 /* longest text form and its NUL */
#define DS_ENDPOINT_TEXT 56 /* "[address]:port" and its NUL */

typedef struct ds_ip {
  uint8_t family; /* 4, 6, or 0: none */
  uint8_t bytes[16];
} ds_ip;

typedef struct ds_network {
  ds_ip ip;
  unsigned bits;
} ds_network;

typedef struct ds_endpoint {
  ds_ip ip;
  uint16_t port;
} ds_endpoint;

/*
** ds_ip_parse: dotted quad (four decimal numbers, no leading zeros) or RFC
** 4291 text, no zone, no brackets.  0 or DS_ERR_USAGE.
*/
int ds_ip_parse (const char *s, size_t n, ds_ip *out);

/* ds_ip_format: RFC 5952 text into out; its length */
size_t ds_ip_format (const ds_ip *ip, char out[DS_IP_TEXT]);

/* ds_network_parse: "10.0.0.0/8", "fc00::/7", or a lone address */
int ds_network_parse (const char *s, size_t n, ds_network *out);
int ds_network_contains (const ds_network *net, const ds_ip *ip);

/*
** ds_endpoint_parse: "192.0.2.1", "192.0.2.1:53", "2001:db8::1",
** "[2001:db8::1]:53"; port 1-65535, the given one where none is named.
*/
int ds_endpoint_parse (const char *s, size_t n, uint16_t port,
                       ds_endpoint *out);
size_t ds_endpoint_format (const ds_endpoint *e, char out[DS_ENDPOINT_TEXT]);

/*
** ds_ip_special: NULL when the address is fit for a public mail host, else
** the word that says why not: "loopback", "private", "link-local",
** "unspecified", "multicast", "shared", "documentation", "benchmarking",
** "reserved", "unique-local", ….  An IPv4 address inside an IPv6 one
** (mapped, 6to4, NAT64 64:ff9b::/96, Teredo) is judged by itself.
*/
const char *ds_ip_special (const ds_ip *ip);

#endif
