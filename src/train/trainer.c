/* SPDX-License-Identifier: MIT
 * Training: set-up, the loop over epochs and batches, checkpoints. */
#include "trainer.h"
#include "data_internal.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void racahi_trainer_say(const racahi_trainer *t, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    if (!t->cb.message) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    t->cb.message(t->cb.ctx, text);
}

int racahi_last_stage(const racahi_train_config *cfg) { return cfg->stage_start > 0 ? 2 : 1; }

racahi_loss_weights racahi_stage_weights(const racahi_train_config *cfg, int stage)
{
    racahi_loss_weights lw = {cfg->energy_weight, cfg->forces_weight, cfg->stress_weight, cfg->loss,
                              cfg->huber_delta};
    if (stage == 2)
        lw.energy = cfg->stage_energy_weight, lw.forces = cfg->stage_forces_weight,
        lw.stress = cfg->stage_stress_weight;
    return lw;
}

/* Stage one runs while epoch < state.stage (0-based); stage_two.start counts from 1 in the configuration. */
static int stage_of(const racahi_trainer *t)
{
    return racahi_last_stage(t->cfg) == 2 && t->state.epoch + 1 >= t->state.stage ? 2 : 1;
}

/* ---- set-up --------------------------------------------------------------------------------------- */

/* An edge list that ends inside the repulsion would make its energy jump. */
static racah_status check_zbl_reach(const racahi_train_config *cfg, const racahi_config *shape,
                                    racah_error *err)
{
    int largest = 0;
    for (int e = 1; e < shape->nelem; e++)
        if (shape->radius[e] > shape->radius[largest]) largest = e;
    if (!shape->zbl || 2 * shape->radius[largest] <= shape->r_max) return RACAH_OK;
    return racahi_fail(err, RACAH_EDATA, "%s: zbl between two %s atoms reaches %.2f A, beyond r_max = %g",
                       cfg->path, racah_element_symbol(shape->Z[largest]), 2 * shape->radius[largest],
                       shape->r_max);
}

static racah_status make_model(racahi_trainer *t, racah_error *err)
{
    const racahi_train_config *cfg = t->cfg;
    const racahi_label_stats *st = &t->data->train_stats;
    racahi_config shape = {.nelem = t->data->nelem};
    if (t->start) return racahi_start_model(t, err);
    memcpy(shape.Z, t->data->Z, sizeof shape.Z);
    racahi_train_config_shape(cfg, &shape);
    RACAHI_TRY(check_zbl_reach(cfg, &shape, err));
    double average = cfg->avg_num_neighbors > 0 ? cfg->avg_num_neighbors : st->neighbors;
    if (average <= 0) average = 1; /* nothing but isolated atoms: nothing to sum */
    double lambda = cfg->neighbor_norm == RACAHI_NORM_AVERAGE ? average
                    : cfg->neighbor_norm == RACAHI_NORM_SQRT  ? sqrt(average)
                                                              : 1;
    double scale = cfg->scaling == RACAHI_SCALING_FORCES_RMS && st->force_rms > 0 ? st->force_rms : 1;
    if (cfg->density) lambda = 1;
    for (int l = 0; l < shape.layers; l++) shape.lambda[l] = lambda;
    for (int k = 0; k < 4; k++) shape.zbl_c[k] /= scale; /* the repulsion is inside the scale */
    RACAHI_TRY(racahi_model_create(&t->model, &shape, err));
    racahi_model_init(t->model, (uint64_t)cfg->seed.now);
    for (int e = 0; e < shape.nelem; e++)
        t->model->E0[e] = t->data->E0[e], t->model->shift[e] = t->data->shift[e], t->model->scale[e] = scale;
    char norm[32];
    if (cfg->density)
        snprintf(norm, sizeof norm, "a learnt density");
    else
        snprintf(norm, sizeof norm, "%.4g", lambda);
    racahi_trainer_say(
        t, "model: %zu parameters in %zu tensors; sums over neighbours / %s, energies x %.4g%s",
        t->model->table.count, t->model->table.n, norm, scale, cfg->zbl ? "; ZBL repulsion" : "");
    return RACAH_OK;
}

static char *join(const char *stem, const char *suffix)
{
    size_t n = strlen(stem) + strlen(suffix) + 1;
    char *s = racahi_malloc(n, 1);
    if (s) snprintf(s, n, "%s%s", stem, suffix);
    return s;
}

static const racahi_sample **pointers(const racahi_sample *s, size_t n)
{
    const racahi_sample **p = racahi_malloc(n, sizeof *p);
    for (size_t i = 0; p && i < n; i++) p[i] = &s[i];
    return p;
}

static int threads_of(const racahi_train_config *cfg)
{
    return cfg->threads > 0 ? cfg->threads : omp_get_max_threads();
}

static racah_status make_buffers(racahi_trainer *t, racah_error *err)
{
    const racahi_dataset *d = t->data;
    const racahi_train_config *cfg = t->cfg;
    const size_t n = t->model->table.count;
    const int threads = threads_of(cfg);
    bool own = d->nvalid > 0;
    size_t batch = (size_t)cfg->batch_size < d->ntrain ? (size_t)cfg->batch_size : d->ntrain;
    t->nvalid = own ? d->nvalid : d->ntrain;
    t->order = pointers(d->train, d->ntrain);
    t->train = pointers(d->train, d->ntrain);
    t->valid = pointers(own ? d->valid : d->train, t->nvalid);
    const size_t most = d->ntrain > t->nvalid ? d->ntrain : t->nvalid;
    t->res = racahi_calloc(most, sizeof *t->res);
    t->grad = racahi_malloc(n, sizeof *t->grad);
    if (!t->order || !t->train || !t->valid || !t->res || !t->grad)
        return racahi_fail(err, RACAH_ENOMEM,
                           "lists of structures and gradient: %zu bytes do not fit in memory",
                           3 * most * sizeof *t->order + most * sizeof *t->res + n * sizeof *t->grad);
    RACAHI_TRY(racahi_net_create(&t->net, &t->model->cfg, RACAH_ISA_AUTO, err));
    RACAHI_TRY(racahi_weights_create(&t->weights, t->net, err));
    RACAHI_TRY(racahi_weights_create(&t->averaged, t->net, err));
    RACAHI_TRY(racahi_loss_create(&t->loss, t->net, threads, batch, err));
    if (!own) racahi_trainer_say(t, "no validation structures: the training structures rank the epochs");
    racahi_trainer_say(t,
                       "validation and %s.racah use the running average of the weights (ema %g); %d thread%s",
                       cfg->output, cfg->ema, threads, threads > 1 ? "s" : "");
    return RACAH_OK;
}

static racah_status make_state(racahi_trainer *t, bool fresh, racah_error *err)
{
    RACAHI_TRY(racahi_state_create(&t->state, t->cfg, t->model->table.count, t->model->theta, err));
    if (t->cfg->optimizer == RACAHI_MUON)
        RACAHI_TRY(
            racahi_optim_prepare(&t->state.optim, (size_t)t->model->cfg.channels, threads_of(t->cfg), err));
    /* an output that cannot be written is better known now than after the first epoch */
    if (fresh || access(t->ckpt, F_OK) != 0)
        return racahi_state_save(&t->state, t->cfg, t->data->hash, t->ckpt, err);
    RACAHI_TRY(racahi_state_load(&t->state, t->cfg, t->data->hash, t->ckpt, err));
    racahi_trainer_say(t, "going on from %s: %lld epochs done%s", t->ckpt, (long long)t->state.epoch,
                       t->state.batch ? ", in the middle of the next" : "");
    return RACAH_OK;
}

static void trainer_free(racahi_trainer *t)
{
    racahi_state_free(&t->state);
    racahi_loss_destroy(t->loss);
    racahi_weights_destroy(t->weights);
    racahi_weights_destroy(t->averaged);
    racahi_net_destroy(t->net);
    racah_model_destroy(t->model);
    racah_model_destroy(t->start);
    racahi_dataset_destroy(t->data);
    racahi_free(t->grad);
    racahi_free(t->order);
    racahi_free(t->train);
    racahi_free(t->valid);
    racahi_free(t->res);
    racahi_free(t->ckpt);
    racahi_free(t->csv);
    racahi_free(t->output);
}

/* ---- epochs --------------------------------------------------------------------------------------- */

/* Fisher-Yates from counters: the order of an epoch does not depend on the ones before. */
static void shuffle(racahi_trainer *t)
{
    const size_t n = t->data->ntrain;
    const uint64_t stream = RACAHI_STREAM_EPOCH + (uint64_t)t->state.epoch;
    memcpy(t->order, t->train, n * sizeof *t->order);
    for (size_t i = n; i > 1; i--) {
        size_t k = racahi_random((uint64_t)t->cfg->seed.now, stream, i) % i;
        const racahi_sample *swap = t->order[i - 1];
        t->order[i - 1] = t->order[k];
        t->order[k] = swap;
    }
}

static double rate_at(const racahi_trainer *t, double epoch)
{
    int64_t stage =
        t->state.stage > 0 ? t->state.stage - 1 : 0; /* 0-based; a stage from the first epoch on is stage 0 */
    return racahi_learning_rate(t->cfg, epoch, (int)stage, t->state.plateau);
}

static racah_status one_batch(racahi_trainer *t, size_t nbatch, double *loss, double *lr, racah_error *err)
{
    racahi_train_state *s = &t->state;
    const racahi_train_config *cfg = t->cfg;
    const racahi_loss_weights lw = racahi_stage_weights(cfg, stage_of(t));
    const size_t first = (size_t)s->batch * (size_t)cfg->batch_size, left = t->data->ntrain - first;
    const size_t n = left < (size_t)cfg->batch_size ? left : (size_t)cfg->batch_size;
    racahi_weights_set(t->weights, s->theta);
    RACAHI_TRY(racahi_loss_eval(t->loss, t->weights, t->order + first, n, t->model->scale, &lw,
                                cfg->displacement, loss, t->grad, NULL, err));
    double norm = racahi_optim_norm(&t->model->table, t->grad);
    if (!isfinite(norm) || !isfinite(*loss))
        return racahi_fail(err, RACAH_ENUMERIC,
                           "epoch %lld, batch %lld (first structure %s, frame %zu): loss %g, "
                           "gradient norm %g",
                           (long long)s->epoch + 1, (long long)s->batch + 1, t->order[first]->file,
                           t->order[first]->number, *loss, norm);
    *lr = rate_at(t, (double)s->epoch + ((double)s->batch + 0.5) / (double)nbatch);
    racahi_optim_step(&s->optim, &t->model->table, cfg, *lr, norm, t->grad, s->theta);
    s->loss_sum += *loss * (double)n;
    s->norm_sum += norm;
    s->structures += (int64_t)n;
    s->batch++;
    return RACAH_OK;
}

/* A file that cannot be written now may be written after the next epoch: tell, and go on. */
static racah_status tolerate(const racahi_trainer *t, racah_status st, const racah_error *err)
{
    if (st != RACAH_EIO) return st;
    racahi_trainer_say(t, "warning: %s; training goes on", err->msg);
    return RACAH_OK;
}

static racah_status save_state(racahi_trainer *t, racah_error *err)
{
    return racahi_state_save(&t->state, t->cfg, t->data->hash, t->ckpt, err);
}

/* What follows from a validation: weights to keep, patience, plateau, early start of stage two. Returns whether the epoch
 * is the best so far. */
static bool judge(racahi_trainer *t, double measure)
{
    racahi_train_state *s = &t->state;
    const racahi_train_config *cfg = t->cfg;
    bool best = measure < s->best_measure;
    s->since_best = best ? 0 : s->since_best + 1;
    s->since_cut = best ? 0 : s->since_cut + 1;
    if (best) s->best_measure = measure;
    if (best || cfg->keep == RACAHI_KEEP_LAST) {
        s->kept_epoch = s->epoch + 1;
        memcpy(s->kept, s->optim.ema, s->n * sizeof *s->kept);
    }
    if (cfg->schedule == RACAHI_SCHEDULE_PLATEAU && s->since_cut >= cfg->lr_patience) {
        s->plateau *= cfg->lr_factor;
        s->since_cut = 0;
    }
    if (stage_of(t) == 1 && racahi_last_stage(cfg) == 2 && cfg->patience && s->since_best >= cfg->patience) {
        s->stage = s->epoch + 2; /* 1-based number of the next epoch */
        racahi_trainer_say(t, "no better epoch for %d epochs: stage two begins", cfg->patience);
    }
    /* stage two starts with its own rate and full patience */
    if (racahi_last_stage(cfg) == 2 && s->epoch + 2 == s->stage)
        s->since_best = s->since_cut = 0, s->plateau = 1;
    return best;
}

static racah_status end_epoch(racahi_trainer *t, double lr, double started, racah_error *err)
{
    racahi_train_state *s = &t->state;
    racahi_error_row row;
    double measure;
    const size_t nbatch = (size_t)s->batch;
    racahi_weights_set(t->averaged, s->optim.ema);
    RACAHI_TRY(racahi_measure(t, t->averaged, t->valid, t->nvalid, &row, &measure, err));
    RACAHI_TRY(racahi_reserve((void **)&s->history, &s->cap, s->nrow + 1, RACAHI_H_COLUMNS * sizeof(double),
                              "history", err));
    double *h = s->history + s->nrow * RACAHI_H_COLUMNS;
    h[RACAHI_H_EPOCH] = (double)s->epoch + 1;
    h[RACAHI_H_TIME] = s->elapsed + racahi_now() - started;
    h[RACAHI_H_LR] = lr;
    h[RACAHI_H_TRAIN_LOSS] = s->loss_sum / (double)s->structures;
    h[RACAHI_H_VALID_ENERGY_RMSE] = row.energy_rmse, h[RACAHI_H_VALID_ENERGY_MAE] = row.energy_mae;
    h[RACAHI_H_VALID_FORCES_RMSE] = row.forces_rmse, h[RACAHI_H_VALID_FORCES_MAE] = row.forces_mae;
    h[RACAHI_H_VALID_STRESS_RMSE] = row.stress_rmse, h[RACAHI_H_VALID_STRESS_MAE] = row.stress_mae;
    h[RACAHI_H_VALID_LOSS] = measure;
    h[RACAHI_H_GRADIENT] = s->norm_sum / (double)nbatch;
    h[RACAHI_H_STAGE] = stage_of(t);
    s->nrow++;
    bool best = judge(t, measure);
    if (t->cb.epoch) t->cb.epoch(t->cb.ctx, h, best);
    s->epoch++;
    s->batch = 0, s->structures = 0, s->loss_sum = 0, s->norm_sum = 0;
    if (s->kept_epoch == s->epoch) RACAHI_TRY(tolerate(t, racahi_write_model(t, err), err));
    return tolerate(t, racahi_write_csv(t, err), err);
}

/* What this run has done so far. */
typedef struct work {
    double batches, structures, atoms, flops;
} work;

static void tell_progress(racahi_trainer *t, size_t nbatch, double loss, double lr, const work *done,
                          double seconds)
{
    const racahi_train_state *s = &t->state;
    if (!t->cb.progress) return;
    double left = (double)(t->cfg->epochs - s->epoch) * (double)nbatch - (double)s->batch;
    double time_left = seconds * left / done->batches;
    if (t->cfg->max_minutes > 0) time_left = fmin(time_left, fmax(60 * t->cfg->max_minutes - seconds, 0));
    t->cb.progress(t->cb.ctx, &(racahi_train_progress){.epoch = (int)s->epoch + 1,
                                                       .epochs = t->cfg->epochs,
                                                       .batch = (size_t)s->batch,
                                                       .batches = nbatch,
                                                       .loss = loss,
                                                       .lr = lr,
                                                       .structures_per_s = done->structures / seconds,
                                                       .atoms_per_s = done->atoms / seconds,
                                                       .flops_per_s = done->flops / seconds,
                                                       .seconds_left = time_left});
}

/* Whether to stop after this batch, and why. */
static bool must_stop(const racahi_trainer *t, double started, racahi_train_end *end)
{
    if (t->cb.stop && t->cb.stop(t->cb.ctx)) {
        *end = RACAHI_TRAIN_STOPPED;
        return true;
    }
    if (t->cfg->max_minutes > 0 && racahi_now() - started >= 60 * t->cfg->max_minutes) {
        *end = RACAHI_TRAIN_TIME;
        return true;
    }
    return false;
}

static bool out_of_patience(const racahi_trainer *t)
{
    return t->cfg->patience && t->state.since_best >= t->cfg->patience &&
           stage_of(t) == racahi_last_stage(t->cfg);
}

static racah_status loop(racahi_trainer *t, racahi_train_end *end, racah_error *err)
{
    racahi_train_state *s = &t->state;
    const size_t nbatch = (t->data->ntrain + (size_t)t->cfg->batch_size - 1) / (size_t)t->cfg->batch_size;
    const double before = s->elapsed, started = racahi_now();
    work done = {0};
    double lr = 0, loss;
    if ((size_t)s->batch >= nbatch)
        return racahi_fail(err, RACAH_EFORMAT, "%s: batch %lld of %zu", t->ckpt, (long long)s->batch, nbatch);
    *end = RACAHI_TRAIN_DONE;
    while (s->epoch < t->cfg->epochs) {
        if (out_of_patience(t)) {
            *end = RACAHI_TRAIN_PATIENCE;
            break;
        }
        shuffle(t);
        while ((size_t)s->batch < nbatch) {
            const size_t first = (size_t)s->batch * (size_t)t->cfg->batch_size;
            RACAHI_TRY(one_batch(t, nbatch, &loss, &lr, err));
            const size_t left = t->data->ntrain - first, size = (size_t)t->cfg->batch_size;
            const size_t last = first + (left < size ? left : size);
            for (size_t i = first; i < last; i++) done.atoms += (double)t->order[i]->n;
            done.structures += (double)(last - first);
            done.flops += racahi_loss_flops(t->loss, t->order + first, last - first, true) +
                          racahi_optim_flops(&s->optim, &t->model->table);
            done.batches++;
            tell_progress(t, nbatch, loss, lr, &done, racahi_now() - started);
            if ((size_t)s->batch < nbatch && must_stop(t, started, end)) {
                s->elapsed = before + racahi_now() - started;
                return save_state(t, err);
            }
        }
        s->elapsed = before; /* end_epoch adds the time of this run */
        RACAHI_TRY(end_epoch(t, lr, started, err));
        s->elapsed = before + racahi_now() - started;
        done.flops += racahi_loss_flops(t->loss, t->valid, t->nvalid, false);
        RACAHI_TRY(tolerate(t, save_state(t, err), err));
        if (s->epoch < t->cfg->epochs && must_stop(t, started, end)) break;
    }
    return save_state(t, err);
}

/* ---- entry ---------------------------------------------------------------------------------------- */

/* Another model to start from is another training, as other data are. */
static racah_status hash_start(racahi_trainer *t, racah_error *err)
{
    char both[128];
    memcpy(both, t->data->hash, 64);
    memcpy(both + 64, t->start->sha256, 64);
    return racahi_sha256(both, sizeof both, t->data->hash, err);
}

static racah_status run(racahi_trainer *t, const racahi_train_options *options, racahi_train_result *result,
                        racah_error *err)
{
    RACAHI_TRY(racahi_start_load(t, err));
    RACAHI_TRY(racahi_dataset_create(&t->data, t->cfg, t->cb.message, t->cb.ctx, err));
    if (t->start) RACAHI_TRY(hash_start(t, err));
    RACAHI_TRY(make_model(t, err));
    if (options->dry_run) {
        result->end = RACAHI_TRAIN_DRY;
        return RACAH_OK;
    }
    RACAHI_TRY(make_buffers(t, err));
    RACAHI_TRY(racahi_start_measure(t, err));
    RACAHI_TRY(make_state(t, options->fresh, err));
    RACAHI_TRY(loop(t, &result->end, err));
    result->epochs_done = (int)t->state.epoch;
    result->kept_epoch = (int)t->state.kept_epoch;
    if (result->kept_epoch) result->kept_measure = racahi_kept_row(&t->state)[RACAHI_H_VALID_LOSS];
    if (result->end == RACAHI_TRAIN_STOPPED || !t->state.kept_epoch) return RACAH_OK;
    racahi_weights_set(t->averaged, t->state.kept);
    RACAHI_TRY(racahi_write_csv(t, err));
    RACAHI_TRY(racahi_write_model(t, err));
    return racahi_report_errors(t, err);
}

racah_status racahi_train(const racahi_train_config *cfg, const racahi_train_callbacks *callbacks,
                          const racahi_train_options *options, racahi_train_result *result, racah_error *err)
{
    racah_error local; /* messages pass through it even if the caller wants none */
    racahi_trainer t = {.cfg = cfg};
    const racahi_train_options none = {0};
    if (!err) err = &local;
    if (callbacks) t.cb = *callbacks;
    *result = (racahi_train_result){.kept_measure = INFINITY};
    t.ckpt = join(cfg->output, ".ckpt");
    t.csv = join(cfg->output, ".csv");
    t.output = join(cfg->output, ".racah");
    racah_status st = !t.ckpt || !t.csv || !t.output
                          ? racahi_fail(err, RACAH_ENOMEM, "no memory for file names")
                          : run(&t, options ? options : &none, result, err);
    trainer_free(&t);
    return st;
}
