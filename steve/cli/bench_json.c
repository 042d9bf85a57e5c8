/// The bench: what machine this is, and the document for machines.
#include "steve/cli/bench_plan_internal.h"

#include <cjson/cJSON.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/// The value of the first line of /proc/cpuinfo that begins with `key`; "" if there is none.
static void read_cpuinfo(const char *key, char *value, size_t size)
{
    *value = '\0';
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file)
        return;
    char line[512];
    while (!*value && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon)
            continue;
        colon += 1 + strspn(colon + 1, " ");
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(value, size, "%s", colon);
    }
    fclose(file);
}

struct bench_machine bench_machine_read(void)
{
    struct bench_machine machine = {.cores = sysconf(_SC_NPROCESSORS_ONLN)};
    read_cpuinfo("model name", machine.processor, sizeof machine.processor);
    struct utsname system;
    if (uname(&system) == 0)
        snprintf(machine.system, sizeof machine.system, "%.60s %.60s %.60s", system.sysname, system.release,
                 system.machine);
#if defined(__clang__)
    snprintf(machine.compiler, sizeof machine.compiler, "clang %d.%d.%d", __clang_major__, __clang_minor__,
             __clang_patchlevel__);
#elif defined(__GNUC__)
    snprintf(machine.compiler, sizeof machine.compiler, "gcc %d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
#if defined(__OPTIMIZE__) && defined(NDEBUG)
    machine.optimized = true;
#endif
    return machine;
}

void bench_machine_print(FILE *out, const struct bench_machine *machine)
{
    fprintf(out, "machine    %s, %ld cores, %s\n", *machine->processor ? machine->processor : "unknown CPU",
            machine->cores, machine->system);
    fprintf(out, "compiler   %s%s\n", machine->compiler,
            machine->optimized ? "" : ", NOT a release build: the figures mean nothing");
}

/// Every add may fail for want of memory; cJSON then leaves the field out, and the document is not printed.
bool bench_json_add_machine(struct cJSON *document)
{
    struct bench_machine machine = bench_machine_read();
    cJSON *object = cJSON_AddObjectToObject(document, "machine");
    return object && cJSON_AddStringToObject(object, "processor", machine.processor) &&
           cJSON_AddNumberToObject(object, "cores", (double)machine.cores) &&
           cJSON_AddStringToObject(object, "system", machine.system) &&
           cJSON_AddStringToObject(object, "compiler", machine.compiler) &&
           cJSON_AddBoolToObject(object, "optimized", machine.optimized);
}

bool bench_json_finish(FILE *out, struct cJSON *document, bool all)
{
    char *text = all ? cJSON_Print(document) : NULL;
    bool printed = text && fprintf(out, "%s\n", text) > 0 && fflush(out) == 0;
    if (!printed)
        fprintf(stderr, "steve bench: the document could not be %s\n", text ? "written" : "made: memory is short");
    cJSON_free(text);
    cJSON_Delete(document);
    return printed;
}

static bool add_params(cJSON *row, const struct bench_plan *plan, const struct bench_row *from)
{
    cJSON *params = cJSON_AddObjectToObject(row, "params");
    bool all = params && cJSON_AddNumberToObject(params, "seed", (double)plan->seed) &&
               cJSON_AddNumberToObject(params, "rounds", plan->rounds);
    for (size_t i = 0; i < from->params && all; i++) {
        const struct bench_param *param = &from->param[i];
        all = param->text ? cJSON_AddStringToObject(params, param->name, param->text) != NULL
                          : cJSON_AddNumberToObject(params, param->name, param->number) != NULL;
    }
    return all;
}

cJSON *bench_json_add_object(cJSON *list)
{
    cJSON *object = cJSON_CreateObject();
    if (object && cJSON_AddItemToArray(list, object))
        return object;
    cJSON_Delete(object);
    return NULL;
}

/// Percentiles that are NAN become null: cJSON does that.
static bool add_row(cJSON *rows, const struct bench_plan *plan, const struct bench_row *from)
{
    cJSON *row = bench_json_add_object(rows);
    return row && cJSON_AddStringToObject(row, "metric", bench_metric_names[from->metric]) &&
           cJSON_AddStringToObject(row, "driver", bench_allocators[from->driver].name) &&
           cJSON_AddNumberToObject(row, "live", (double)from->live) &&
           cJSON_AddNumberToObject(row, "value", from->value) && cJSON_AddStringToObject(row, "unit", from->unit) &&
           cJSON_AddNumberToObject(row, "p50", from->spread[BENCH_P50]) &&
           cJSON_AddNumberToObject(row, "p99", from->spread[BENCH_P99]) &&
           cJSON_AddNumberToObject(row, "p999", from->spread[BENCH_P999]) && add_params(row, plan, from);
}

bool bench_print_json(FILE *out, const struct bench_plan *plan)
{
    cJSON *document = cJSON_CreateObject();
    bool all = document && bench_json_add_machine(document);
    cJSON *rows = all ? cJSON_AddArrayToObject(document, "rows") : NULL;
    all = rows;
    for (size_t i = 0; i < plan->rows.count && all; i++)
        all = add_row(rows, plan, &plan->rows.row[i]);
    return bench_json_finish(out, document, all);
}
