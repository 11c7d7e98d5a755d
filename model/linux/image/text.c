// Messages, text and the kernel's complaints.
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include "model/linux/image/shim.h"

// What messages and names need of printf: %s %c %d %i %u %x %p %l %z %h, widths and zeros; of %p
// with a suffix only the value, which is never an address that the host chose.
struct text {
  char *at, *end;
};
static void put(struct text *text, char c) {
  if (text->at < text->end) *text->at = c;
  text->at++;
}
static void put_number(struct text *text, unsigned long value, unsigned base, int width,
                       char fill) {
  char digits[24];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value);
  for (; width > count; width--) put(text, fill);
  while (count > 0) put(text, digits[--count]);
}

struct spec {
  int width, longs;
  char fill, letter;
};
static const char *read_spec(const char *format, struct spec *spec) {
  *spec = (struct spec){.fill = ' '};
  for (;; format++) {
    if (*format == '0' && !spec->width) {
      spec->fill = '0';
    } else if (*format >= '0' && *format <= '9') {
      spec->width = spec->width * 10 + (*format - '0');
    } else if (*format == 'l' || *format == 'z') {
      spec->longs++;
    } else if (!*format || !strchr("-+ #.h", *format)) {
      break;
    }
  }
  spec->letter = *format;
  return *format ? format + 1 : format;
}

static void put_argument(struct text *text, const struct spec *spec, va_list *arguments) {
  long number;
  const char *string;
  switch (spec->letter) {
    case 's':
      string = va_arg(*arguments, const char *);
      for (string = string ? string : "(null)"; *string; string++) put(text, *string);
      return;
    case 'c':
      put(text, va_arg(*arguments, int));
      return;
    case 'd':
    case 'i':
      number = spec->longs ? va_arg(*arguments, long) : va_arg(*arguments, int);
      if (number < 0) put(text, '-');
      put_number(text, number < 0 ? -(unsigned long)number : number, 10, spec->width, spec->fill);
      return;
    case 'u':
    case 'x':
    case 'X':
      number = spec->longs ? va_arg(*arguments, long) : va_arg(*arguments, unsigned int);
      put_number(text, number, spec->letter == 'u' ? 10 : 16, spec->width, spec->fill);
      return;
    case 'p':
      va_arg(*arguments, void *);
      put(text, 'P');
      return;
    default:
      put(text, spec->letter);
  }
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list given) {
  struct text text = {buffer, size ? buffer + size - 1 : buffer};
  va_list arguments;
  va_copy(arguments, given);
  while (*format) {
    struct spec spec;
    if (*format != '%') {
      put(&text, *format++);
      continue;
    }
    format = read_spec(format + 1, &spec);
    put_argument(&text, &spec, &arguments);
  }
  va_end(arguments);
  if (size) *min(text.at, text.end) = '\0';
  return text.at - buffer;
}

int sprintf(char *buffer, const char *format, ...) {
  va_list arguments;
  int length;
  va_start(arguments, format);
  length = vsnprintf(buffer, INT_MAX, format, arguments);
  va_end(arguments);
  return length;
}
int snprintf(char *buffer, size_t size, const char *format, ...) {
  va_list arguments;
  int length;
  va_start(arguments, format);
  length = vsnprintf(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}

char *kvasprintf(gfp_t flags, const char *format, va_list arguments) {
  const int length = vsnprintf(NULL, 0, format, arguments);
  char *text = kmalloc(length + 1, flags);
  if (text) vsnprintf(text, length + 1, format, arguments);
  return text;
}
const char *kvasprintf_const(gfp_t flags, const char *format, va_list arguments) {
  return kvasprintf(flags, format, arguments);
}
char *kasprintf(gfp_t flags, const char *format, ...) {
  va_list arguments;
  char *text;
  va_start(arguments, format);
  text = kvasprintf(flags, format, arguments);
  va_end(arguments);
  return text;
}
char *kstrdup(const char *text, gfp_t flags) {
  return text ? kasprintf(flags, "%s", text) : NULL;
}
const char *kstrdup_const(const char *text, gfp_t flags) { return kstrdup(text, flags); }
char *strreplace(char *text, char before, char after) {
  char *at;
  for (at = text; *at; at++) {
    if (*at == before) *at = after;
  }
  return text;
}
int kstrtobool(const char *text, bool *result) {
  *result = text[0] == 'y' || text[0] == '1';
  return 0;
}
bool sysfs_streq(const char *a, const char *b) { return !strcmp(a, b); }

static void log_text(const char *format, va_list arguments) {
  char line[256];
  vsnprintf(line, sizeof(line), format, arguments);
  HOST(log, line[0] == KERN_SOH_ASCII && line[1] ? line + 2 : line);
}
#define LOG()                       \
  do {                              \
    va_list arguments;              \
    va_start(arguments, format);    \
    log_text(format, arguments);    \
    va_end(arguments);              \
  } while (0)

int _printk(const char *format, ...) {
  LOG();
  return 0;
}
void _dev_err(const struct device *device, const char *format, ...) { LOG(); }
void _dev_warn(const struct device *device, const char *format, ...) { LOG(); }
void _dev_info(const struct device *device, const char *format, ...) { LOG(); }
int ___ratelimit(struct ratelimit_state *state, const char *function) { return 1; }

void warn_slowpath_fmt(const char *file, int line, unsigned int taint, const char *format, ...) {
  if (format) LOG();
  HOST(report, LINUX_WARN, file, line, "WARN");
}
void panic(const char *format, ...) {
  LOG();
  OOPS("BUG");
}
void __copy_overflow(int size, unsigned long count) { OOPS("copy beyond an object"); }
void dump_stack_lvl(const char *level) {}
