/* doctorprobe - looks at the machine, for doctor.h. */
#ifndef KW_TOOLS_DOCTORPROBE_H
#define KW_TOOLS_DOCTORPROBE_H

#include "tools/doctor.h"

/* kw_doctor_look() - within two seconds and a known-answer test. Prepares the calling process as the server
 * prepares its own: no core dumps, limits raised. In: data, a data folder, or one to be; if it is not there,
 * the folder that it would be made in is measured. cpu_mask: KEYWELL_CPU or NULL; both borrowed. */
void kw_doctor_look(const char *data, const char *cpu_mask, struct kw_machine *ret);

#endif
