/* SPDX-License-Identifier: MIT */
/* Which kernel this is: version, configuration hash, and with CONFIG_IKCONFIG the configuration. */
#ifndef EXO_VERSION_H
#define EXO_VERSION_H

extern const char kernel_version[]; /* "0.1.0" */
extern const char kernel_config_hash[]; /* 12 hex digits over the effective configuration */

/* The configuration, one CONFIG_ line each; not terminated. Only with CONFIG_IKCONFIG. */
extern const char kernel_config_text[];
extern const unsigned int kernel_config_size;

#endif
