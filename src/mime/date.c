#include "mime/date.h"

#include <stdio.h>

#include "util/err.h"

#define DAY   86400
#define FIRST (INT64_C(-2208988800))  /* 1900-01-01 00:00:00 UTC */
#define LAST  (INT64_C(253402300799)) /* 9999-12-31 23:59:59 UTC */

/* days since 1970 into a civil date: years begin in March, so that the leap
   day is the last of its year, and 400 of them are one era of 146097 days */
static void civil (int64_t days, int *year, int *month, int *day) {
  int64_t z = days + 719468;
  int era = (int)(z / 146097), doe = (int)(z % 146097);
  int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int mp = (5 * doy + 2) / 153;
  *day = doy - (153 * mp + 2) / 5 + 1;
  *month = mp < 10 ? mp + 3 : mp - 9;
  *year = yoe + era * 400 + (*month <= 2);
}

int ds_date_format (int64_t seconds, long offset, char out[DS_DATE_TEXT]) {
  static const char days[] = "ThuFriSatSunMonTueWed";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  int64_t local, day;
  int year, month, date, zone;
  unsigned clock, east;
  if (offset <= -DAY || offset >= DAY || seconds < FIRST || seconds > LAST)
    return DS_ERR_USAGE;
  zone = (int)(offset / 60);
  local = seconds + zone * 60;
  if (local < FIRST || local > LAST)
    return DS_ERR_USAGE;
  /* shifted by whole weeks to be positive, so that / and % round down */
  day = (local + INT64_C(5000) * 7 * DAY) / DAY - 5000 * 7;
  clock = (unsigned)(local - day * DAY);
  east = (unsigned)(zone < 0 ? -zone : zone);
  civil(day, &year, &month, &date);
  snprintf(out, DS_DATE_TEXT, "%.3s, %02d %.3s %04d %02u:%02u:%02u %c%02u%02u",
           days + 3 * ((day + 5000 * 7) % 7), date, months + 3 * (month - 1),
           year, clock / 3600, clock / 60 % 60, clock % 60,
           zone < 0 ? '-' : '+', east / 60, east % 60);
  return DS_OK;
}
