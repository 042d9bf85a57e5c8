/// Tests of runs that collect findings and report to machines, by calling the program: --keep-going, --known, --json, --junit and
/// --exhaustive.
#include "steve/test/program_test.h"

#include <cjson/cJSON.h>

/// A bug that shows in every episode that has a calloc, and shrinks to a few ops in no time.
#define BROKEN "run --driver hostile-dirty-calloc --seed 1 --ops 20000"

/// The last line of a run, up to what differs from run to run: the time.
static void verdict_of(const char *out, char verdict[1024])
{
    const char *line = strstr(out, "\nverdict=");
    assert_non_null(line);
    snprintf(verdict, 1024, "%s", line + 1);
    char *seconds = strstr(verdict, " seconds=");
    assert_non_null(seconds);
    *seconds = '\0';
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(value)) {
        fail_msg("no number '%s'", name);
    }
    return cJSON_GetNumberValue(value);
}

static const char *text(const cJSON *object, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    if (value == NULL) {
        fail_msg("no text '%s'", name);
    }
    return value;
}

static void json_is_all_of_stdout(void **state)
{
    (void)state;
    const struct outcome *o = steve("run --seed 7 --ops 20000 --json");
    assert_int_equal(o->status, 0);
    const char *end = NULL;
    cJSON *document = cJSON_ParseWithOpts(o->out, &end, false);
    assert_non_null(document);
    assert_string_equal(end, "\n");
    assert_string_equal(text(document, "verdict"), "pass");
    assert_true(number(document, "seed") == 7);
    assert_true(number(document, "ops") == 20000);
    assert_true(number(document, "ops_per_second") > 0);
    assert_true(number(document, "compactions") > 0);
    assert_true(number(cJSON_GetObjectItem(document, "locks"), "share_of_blocks") > 0);
    assert_true(number(cJSON_GetObjectItem(cJSON_GetObjectItem(document, "coverage_of_ops"), "malloc"), "done") > 0);
    char digest[64];
    snprintf(digest, sizeof digest, "digest=%s ", text(document, "digest"));
    cJSON_Delete(document);
    assert_has(steve("run --seed 7 --ops 20000")->out, digest);
}

static void json_of_bad_usage_is_none(void **state)
{
    (void)state;
    const struct outcome *o = steve("run --json --known nowhere");
    assert_int_equal(o->status, 2);
    assert_string_equal(o->out, "");
    assert_has(o->err, "nowhere");
}

static void a_finding_is_in_the_document(void **state)
{
    (void)state;
    const struct outcome *o = steve(BROKEN " --json --out json");
    assert_int_equal(o->status, 1);
    cJSON *document = cJSON_Parse(o->out);
    assert_non_null(document);
    assert_string_equal(text(document, "verdict"), "fail");
    const cJSON *findings = cJSON_GetObjectItem(document, "findings");
    assert_int_equal(cJSON_GetArraySize(findings), 1);
    const cJSON *first = cJSON_GetArrayItem(findings, 0);
    assert_string_equal(text(first, "oracle"), "zero");
    assert_int_equal(access(text(first, "reproducer"), F_OK), 0);
    assert_true(number(first, "repro_ops") > 0);
    cJSON_Delete(document);

    o = steve("replay --json json");
    assert_int_equal(o->status, 1);
    document = cJSON_Parse(o->out);
    assert_non_null(document);
    first = cJSON_GetArrayItem(cJSON_GetObjectItem(document, "findings"), 0);
    assert_string_equal(text(first, "oracle"), "zero");
    assert_has(text(first, "file"), "json/");
    cJSON_Delete(document);
}

static bool have(const char *command)
{
    char line[256];
    snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", command);
    return system(line) == 0;
}

static void junit_is_valid_xml(void **state)
{
    (void)state;
    static char report[1 << 16];
    assert_int_equal(steve(BROKEN " --out \"bad<>&'\xff name\" --junit junit.xml")->status, 1);
    read_back("junit.xml", report, sizeof report);
    assert_has(report, "failures=\"1\"");
    assert_has(report, "<failure message=");
    assert_has(report, "steve-ops 1");
    if (have("xmllint")) {
        assert_int_equal(system("xmllint --noout junit.xml"), 0);
    } else if (have("python3")) {
        assert_int_equal(system("python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse(\"junit.xml\")'"), 0);
    }
    assert_int_equal(steve("run --seed 1 --ops 1000 --junit junit.xml")->status, 0);
    read_back("junit.xml", report, sizeof report);
    assert_has(report, "failures=\"0\" errors=\"0\"");
    const struct outcome *o = steve("run --seed 1 --junit nowhere/junit.xml");
    assert_int_equal(o->status, 3);
    assert_has(o->err, "nowhere/junit.xml: No such file");
    assert_string_equal(o->out, "");
}

/// The run goes to its bound, and any number of jobs says the same.
static void keep_going_collects_the_distinct(void **state)
{
    (void)state;
    char one[1024], two[1024];
    const struct outcome *o = steve(BROKEN " --keep-going --out kept");
    assert_int_equal(o->status, 1);
    assert_has(o->out, " findings=");
    verdict_of(o->out, one);
    assert_has(one, "verdict=fail oracle=zero ");
    o = steve(BROKEN " --keep-going --out kept2 --jobs 2");
    verdict_of(o->out, two);
    assert_string_equal(one, two);
    assert_int_equal(system("for f in kept/*/repro.ops; do cmp $f kept2/${f#*/} || exit 1; done"), 0);
    assert_int_equal(system("test $(ls kept | wc -l) -lt 6"), 0);
    assert_has(steve("run --seed 1 --ops 1000 --keep-going")->out, " findings=0\n");
}

static void the_known_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(steve(BROKEN " --keep-going --out known")->status, 1);
    const struct outcome *o = steve(BROKEN " --known known --out new");
    assert_int_equal(o->status, 0);
    assert_has(o->out, "\nverdict=pass ");
    assert_has(o->out, " known=");
    assert_true(access("new", F_OK) != 0);

    // One of them forgotten: it is new again, and ends the run.
    assert_int_equal(system("rm -r \"known/$(ls known | head -1)\""), 0);
    o = steve(BROKEN " --known known --out new");
    assert_int_equal(o->status, 1);
    assert_has(o->out, "\nverdict=fail oracle=zero ");

    // Those of another driver are none.
    assert_int_equal(steve(BROKEN " --keep-going --out known")->status, 1);
    o = steve("run --seed 1 --ops 1000 --known known");
    assert_int_equal(o->status, 0);
    assert_has(o->out, "for other drivers left out");
}

/// Without shrinking, one bug is still one.
static void a_bug_in_every_episode_is_a_few(void **state)
{
    (void)state;
    const struct outcome *o =
        steve("run --driver hostile-crashes --seed 1 --ops 100000 --keep-going --no-shrink --out crashes");
    assert_int_equal(o->status, 1);
    assert_has(o->out, "oracle=crash");
    assert_int_equal(system("test $(ls crashes | wc -l) -le 8"), 0);
}

static void exhaustive_says_what_it_tries(void **state)
{
    (void)state;
    char one[1024], two[1024];
    const struct outcome *o = steve("run --exhaustive 3");
    assert_int_equal(o->status, 0);
    assert_has(o->out, " exhaustive=3 ");
    assert_has(o->out, "alphabet: ");
    assert_has(o->out, "misuse free stale s0");
    assert_has(o->out, "sequences of up to 3 ops: ");
    assert_has(o->out, "sequences run: ");
    verdict_of(o->out, one);
    o = steve("run --exhaustive 3 --jobs 2");
    verdict_of(o->out, two);
    assert_string_equal(one, two);
    assert_has(steve("run --exhaustive 1 --driver libc")->out, "verdict=pass exhaustive=1 ");
    assert_has(steve("run --exhaustive 8 --episodes 10")->out, "this may take some ");
    assert_int_equal(steve("run --exhaustive 9")->status, 2);
    assert_int_equal(steve("run --exhaustive 2 --profile tiny")->status, 2);
    assert_int_equal(steve("run --exhaustive 2 --episode 1000000000")->status, 2);
}

/// What it finds has no more than K ops, and the command that shows it again does.
static void exhaustive_finds_the_shortest(void **state)
{
    (void)state;
    const struct outcome *o = steve("run --exhaustive 4 --driver hostile-dirty-calloc --out small");
    assert_int_equal(o->status, 1);
    const char *at = strstr(o->out, " repro_ops=");
    assert_non_null(at);
    assert_true(atoi(at + strlen(" repro_ops=")) <= 4);
    at = strstr(o->out, "--exhaustive 4 --episode ");
    assert_non_null(at);
    o = steve("run --driver hostile-dirty-calloc --out small2 %.*s", (int)strcspn(at, "\n"), at);
    assert_has(o->out, "\nverdict=fail oracle=zero exhaustive=4 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_all_of_stdout),
        cmocka_unit_test(json_of_bad_usage_is_none),
        cmocka_unit_test(a_finding_is_in_the_document),
        cmocka_unit_test(junit_is_valid_xml),
        cmocka_unit_test(keep_going_collects_the_distinct),
        cmocka_unit_test(the_known_are_passed_over),
        cmocka_unit_test(a_bug_in_every_episode_is_a_few),
        cmocka_unit_test(exhaustive_says_what_it_tries),
        cmocka_unit_test(exhaustive_finds_the_shortest),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
