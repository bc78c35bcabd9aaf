/*
** param: parameters of Content-Type and Content-Disposition (RFC 2045 §5.1,
** RFC 2231), and what names and tokens may be in them.
*/
#ifndef ds_mime_param_h
#define ds_mime_param_h

#include "mime/field.h"

/* is s a token (RFC 2045 §5.1)? */
int ds_param_token_ok (ds_span s);

/*
** ds_param: "; name=value" behind what the field holds.  A value that is long,
** not ASCII or looks like an encoded word goes by RFC 2231, in pieces where
** one line does not hold it; others are quoted where they are no token.
** The value is valid UTF-8 without controls.
*/
void ds_param (ds_field *f, const char *name, ds_span value);

/*
** ds_param_words: the same, but what ds_param gives to RFC 2231 becomes
** encoded words in quotes: against RFC 2047 §5, and the only form that readers
** without RFC 2231 show.
*/
void ds_param_words (ds_field *f, const char *name, ds_span value);

#endif
