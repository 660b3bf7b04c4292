/* SPDX-License-Identifier: MIT */
/* The only file that is rebuilt when just the version or the configuration's hash changes. */
#include <exo/version.h>
#include <generated/config_hash.h>
#include <generated/version.h>

const char kernel_version[] = EXO_VERSION;
const char kernel_config_hash[] = CONFIG_HASH;
