#include "base/mem.h"
#include "gpu/amd.h"
#include "gpu/gpu.h"
#include "gpu/nvidia_smi.h"
#include "gpu/nvml.h"

struct gpu_look {
    const struct gpu_options *options;
    struct nvml *nvml; /* open while it works */
};

void gpu_options_init(struct gpu_options *o)
{
    *o = (struct gpu_options){
        .nvml_library = "libnvidia-ml.so.1",
        .smi_program = "nvidia-smi",
        .drm_root = "/sys/class/drm",
        .smi_timeout_ms = 2000,
        .answer_ms = 5000,
    };
}

struct gpu_look *gpu_look_new(const struct gpu_options *options)
{
    struct gpu_look *look = mem_alloc(1, sizeof(*look));

    look->options = options;
    return look;
}

void gpu_look_free(struct gpu_look *look)
{
    if (!look)
        return;
    nvml_close(look->nvml);
    free(look);
}

static void forget_findings(struct gpu_sample *s)
{
    s->gpus_len = s->processes_len = 0;
}

static int by_nvml(struct gpu_look *look, struct gpu_sample *ret, struct err *err)
{
    int rc = look->nvml ? 0 : nvml_open(look->options->nvml_library, &look->nvml, err);

    if (rc == 0)
        rc = nvml_look(look->nvml, ret, err);
    if (rc == 0)
        return 0;
    nvml_close(look->nvml);
    look->nvml = NULL;
    forget_findings(ret);
    return rc;
}

static int by_smi(struct gpu_look *look, struct gpu_sample *ret, struct err *err)
{
    int rc = nvidia_smi_look(look->options->smi_program, look->options->smi_timeout_ms, ret, err);

    if (rc < 0)
        forget_findings(ret);
    return rc;
}

static int by_sysfs(struct gpu_look *look, struct gpu_sample *ret, struct err *err)
{
    amd_look(look->options->drm_root, ret);
    return ret->gpus_len > 0 ? 0 : err_set(err, ERR_UNSUPPORTED, "no AMD GPU");
}

/* Not having a tool is ordinary; having one that fails is worth telling. */
static void note_problem(struct gpu_sample *s, const struct err *err)
{
    if (!s->problem[0] && err->code != ERR_UNSUPPORTED)
        (void)str_copy(s->problem, sizeof(s->problem), str_of(err->msg));
}

void gpu_look(struct gpu_look *look, struct gpu_sample *ret)
{
    static const struct {
        const char *name;
        int (*look)(struct gpu_look *look, struct gpu_sample *ret, struct err *err);
    } sources[] = { { "nvml", by_nvml }, { "nvidia-smi", by_smi }, { "sysfs", by_sysfs } };
    struct err err;

    ret->problem[0] = '\0';
    forget_findings(ret);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        ret->source = sources[i].name;
        if (sources[i].look(look, ret, &err) == 0)
            return;
        note_problem(ret, &err);
    }
    ret->source = "none";
}
