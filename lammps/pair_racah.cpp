/* SPDX-License-Identifier: GPL-2.0-only
 * LAMMPS pair style `racah`, see pair_racah.h. No mathematics here: lists and features in, forces out. */
#include "pair_racah.h"

#include "atom.h"
#include "comm.h"
#include "compat.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

using namespace LAMMPS_NS;

namespace {

/* eV in kcal/mol, from LAMMPS' own constants for units real. */
const double KCAL_PER_EV = 23.060549;
/* Masses further from the standard atomic mass than this (relative) draw a warning. */
const double MASS_TOLERANCE = 0.015;
const int MAX_THREADS = 4096;

const char *const ALLOWED = "allowed: precision double|single, method auto|cg|so2|gaunt|grid|cp, threads N (N >= 1), "
                            "close warn|stop|off";
enum { CLOSE_OFF, CLOSE_WARN, CLOSE_STOP };

struct Word {
    const char *name;
    int value;
};
const Word PRECISIONS[] = {{"double", RACAH_DOUBLE}, {"single", RACAH_SINGLE}, {nullptr, 0}};
const Word METHODS[] = {{"auto", RACAH_METHOD_AUTO}, {"cg", RACAH_METHOD_CG},     {"so2", RACAH_METHOD_SO2},
                        {"gaunt", RACAH_METHOD_GAUNT}, {"grid", RACAH_METHOD_GRID}, {"cp", RACAH_METHOD_CP},
                        {nullptr, 0}};
const Word CLOSE[] = {{"off", CLOSE_OFF}, {"warn", CLOSE_WARN}, {"stop", CLOSE_STOP}, {nullptr, 0}};

bool find_word(const Word *table, const char *text, int *value)
{
    for (; table->name; table++)
        if (strcmp(table->name, text) == 0) {
            *value = table->value;
            return true;
        }
    return false;
}

const char *word_of(const Word *table, int value)
{
    for (; table->name; table++)
        if (table->value == value) return table->name;
    return "?";
}

bool parse_threads(const char *text, int *value)
{
    char *end = nullptr;
    long n = strtol(text, &end, 10);
    if (end == text || *end != '\0' || n < 1 || n > MAX_THREADS) return false;
    *value = static_cast<int>(n);
    return true;
}

std::string number(double x, const char *format = "%.6g")
{
    char text[64];
    snprintf(text, sizeof text, format, x);
    return text;
}

std::string symbol_of(const racah_model *model, int e)
{
    const char *symbol = racah_element_symbol(racah_model_atomic_number(model, e));
    return symbol ? symbol : "?";
}

std::string elements_of(const racah_model *model)
{
    std::string list;
    for (int e = 0; e < racah_model_nelements(model); e++) list += (e ? " " : "") + symbol_of(model, e);
    return list;
}

size_t doubles_for(size_t bytes) { return (bytes + sizeof(double) - 1) / sizeof(double); }

template <class T> void add_row(char *to, const char *from, size_t bytes)
{
    for (size_t k = 0; k + sizeof(T) <= bytes; k += sizeof(T)) { /* memcpy: rows of float sit in buffers of double */
        T a, b;
        memcpy(&a, to + k, sizeof a);
        memcpy(&b, from + k, sizeof b);
        a += b;
        memcpy(to + k, &a, sizeof a);
    }
}

} // namespace

/* What went wrong on this rank alone. Releases of LAMMPS that throw print the message and then call MPI_Abort, which may
 * end the process before a redirected output is written. */
void PairRacah::stop(const std::string &message)
{
    try {
        error->one(FLERR, message);
    } catch (...) {
        fflush(nullptr);
        throw;
    }
}

PairRacah::PairRacah(LAMMPS *ptr) :
    Pair(ptr), options(), threads_wanted(0), units_energy(1.0), close_action(CLOSE_WARN), announced(false), memory_told(false),
    have_ghosts(false), all_rows_local(false), rows(nullptr), row_bytes(0), element_bytes(sizeof(double)), purpose(MOVE), send(0), packed(nullptr),
    packed_from(nullptr), packed_first(0)
{
    single_enable = 0;
    restartinfo = 0; /* hybrid styles want pair_coeff again after read_restart in any case */
    one_coeff = 1;
    manybody_flag = 1;
    no_virial_fdotr_compute = 1;
    writedata = 0;
    centroidstressflag = CENTROID_NOTAVAIL; /* the default would pass off vatom as centroid stress */
    options.size = sizeof options;
}

PairRacah::~PairRacah()
{
    if (copymode) return;
    if (allocated) {
        memory->destroy(setflag);
        memory->destroy(cutsq);
    }
}

void PairRacah::allocate()
{
    int n = atom->ntypes + 1;
    memory->create(setflag, n, n, "pair:setflag");
    memory->create(cutsq, n, n, "pair:cutsq");
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) setflag[i][j] = 0, cutsq[i][j] = 0.0;
    allocated = 1;
}

/* ---- commands ---------------------------------------------------------------------------- */

void PairRacah::settings(int narg, char **arg)
{
    options = racah_calc_options();
    options.size = sizeof options;
    threads_wanted = 0;
    close_action = CLOSE_WARN;
    for (int k = 0; k < narg; k += 2) {
        const std::string key = arg[k];
        if (key != "precision" && key != "method" && key != "threads" && key != "close")
            error->all(FLERR, "Pair style racah: unknown keyword '" + key + "'; " + ALLOWED);
        if (k + 1 >= narg) error->all(FLERR, "Pair style racah: keyword '" + key + "' has no value; " + ALLOWED);
        int value = 0;
        bool good = key == "precision" ? find_word(PRECISIONS, arg[k + 1], &value)
                    : key == "method"  ? find_word(METHODS, arg[k + 1], &value)
                    : key == "close"   ? find_word(CLOSE, arg[k + 1], &value)
                                       : parse_threads(arg[k + 1], &value);
        if (!good)
            error->all(FLERR, "Pair style racah: '" + std::string(arg[k + 1]) + "' is no value for '" + key + "'; " +
                                  ALLOWED);
        if (key == "precision") options.precision = static_cast<racah_precision>(value);
        if (key == "method") options.method = static_cast<racah_method>(value);
        if (key == "threads") threads_wanted = value;
        if (key == "close") close_action = value;
    }
    if (model) make_calc(); /* pair_style given again keeps the coefficients */
}

void PairRacah::coeff(int narg, char **arg)
{
    const int ntypes = atom->ntypes;
    if (narg < 3) error->all(FLERR, std::string("Pair style racah needs: pair_coeff * * model.racah El1 El2 ..."));
    if (strcmp(arg[0], "*") != 0 || strcmp(arg[1], "*") != 0)
        error->all(FLERR, std::string("Pair style racah: pair_coeff must start with * * (types without this potential "
                                      "are given as NULL)"));
    if (narg != 3 + ntypes)
        error->all(FLERR, "Pair style racah: pair_coeff names " + std::to_string(narg - 3) +
                              " elements, but there are " + std::to_string(ntypes) +
                              " atom types; give an element or NULL for each");

    /* Every rank reads the file: no message passing of our own, hence no MPI symbol in the plugin. */
    std::string path = utils::get_potential_file_path(arg[2]);
    if (path.empty()) path = arg[2]; /* racah_model_load says what is wrong with it */
    racah_error err = {};
    racah_model *loaded = nullptr;
    if (racah_model_load(&loaded, path.c_str(), &err) != RACAH_OK)
        stop(std::string("Pair style racah: ") + err.msg);
    calc.reset();
    model.reset(loaded);
    model_path = path;

    if (!allocated) allocate();
    type_element.assign(ntypes + 1, -1);
    for (int t = 1; t <= ntypes; t++) {
        const char *name = arg[2 + t];
        if (strcmp(name, "NULL") == 0) continue;
        int z = racah_element_number(name);
        type_element[t] = z > 0 ? racah_model_element_index(model.get(), z) : -1;
        if (z <= 0)
            error->all(FLERR, "Pair style racah: '" + std::string(name) + "' (atom type " + std::to_string(t) +
                                  ") is no chemical element; " + path + " has " + elements_of(model.get()));
        if (type_element[t] < 0)
            error->all(FLERR, "Pair style racah: element " + std::string(name) + " (atom type " + std::to_string(t) +
                                  ") is not in " + path + ", which has " + elements_of(model.get()));
    }
    int mapped = 0;
    for (int i = 1; i <= ntypes; i++)
        for (int j = 1; j <= ntypes; j++) {
            setflag[i][j] = i <= j && type_element[i] >= 0 && type_element[j] >= 0;
            mapped += setflag[i][j];
        }
    if (mapped == 0)
        error->all(FLERR, std::string("Pair style racah: every atom type is NULL; name at least one element"));
    make_calc();
}

void PairRacah::make_calc()
{
    racah_error err = {};
    racah_calc *made = nullptr;
    std::vector<int> used; /* radial tables of pairs of elements are made for these only */
    for (int e : type_element)
        if (e >= 0) used.push_back(e);
    racah_calc_options with_elements = options;
    with_elements.elements = used.data();
    with_elements.nelements = static_cast<int>(used.size());
    if (racah_calc_create(&made, model.get(), &with_elements, &err) != RACAH_OK)
        stop(std::string("Pair style racah: ") + err.msg);
    calc.reset(made);
    announced = memory_told = false;
    const int n = racah_model_nelements(model.get());
    close.resize(static_cast<size_t>(n) * n);
    close_told.assign(close.size(), 0);
}

/* ---- initialisation ---------------------------------------------------------------------- */

void PairRacah::init_style()
{
    if (!calc) error->all(FLERR, std::string("Pair style racah: no pair_coeff command was given"));
    if (force->newton_pair == 0)
        error->all(FLERR, std::string("Pair style racah requires newton pair on"));
    if (strcmp(update->unit_style, "metal") == 0)
        units_energy = 1.0;
    else if (strcmp(update->unit_style, "real") == 0)
        units_energy = KCAL_PER_EV;
    else
        error->all(FLERR, "Pair style racah works with units metal or real, not units " +
                              std::string(update->unit_style));
    check_special_bonds();
    racah_lammps::request_full_list(neighbor, this, instance_me, error, 0);

    /* LAMMPS sizes its buffers once from the sizes it finds now, before any exchange, and pair hybrid has taken the
     * maximum over its styles before pair_coeff named our model: raise that too, or the exchange would write
     * beyond the buffer. */
    size_t width = doubles_for(racah_calc_exchange_width(calc.get()) * racah_calc_exchange_bytes(calc.get()));
    comm_forward = comm_reverse = std::max(1, static_cast<int>(width)); /* learn_ghosts sends one each way */
    have_ghosts = false;
    if (force->pair && force->pair != this) {
        force->pair->comm_forward = std::max(force->pair->comm_forward, comm_forward);
        force->pair->comm_reverse = std::max(force->pair->comm_reverse, comm_reverse);
    }
    if (!announced) announce();
    announced = true;
}

/* A special factor pair of zero takes those neighbours out of the list: every many-body term that they belong to
 * would change. LAMMPS itself only warns. */
void PairRacah::check_special_bonds()
{
    if (!atom->molecular) return;
    for (int k = 1; k < 4; k++)
        if (force->special_lj[k] == 0.0 && force->special_coul[k] == 0.0)
            error->all(FLERR, "Pair style racah: special_bonds excludes 1-" + std::to_string(k + 1) +
                                  " neighbors, which this potential needs; use special_bonds lj/coul 1 1 1 (or "
                                  "1.0e-50 where another style needs nothing)");
}

double PairRacah::init_one(int i, int j)
{
    if (type_element[i] < 0 || type_element[j] < 0)
        error->all(FLERR, "Pair style racah: atom types " + std::to_string(i) + " and " + std::to_string(j) +
                              " are not both mapped to elements");
    setflag[j][i] = setflag[i][j];
    return racah_model_cutoff(model.get());
}

int PairRacah::number_of_threads() const
{
    if (threads_wanted > 0) return threads_wanted;
    if (comm->nthreads > 1) return comm->nthreads; /* package omp, or OMP_NUM_THREADS as LAMMPS read it */
    int n = 1;                                     /* a LAMMPS built without OpenMP knows no threads: ask for it */
    const char *env = getenv("OMP_NUM_THREADS");
    if (env && parse_threads(env, &n)) return n;
    return 1;
}

void PairRacah::announce()
{
    if (comm->me != 0) return;
    char build[256];
    racah_build_info(build, sizeof build);
    std::string text = std::string(build) + "\n";
    text += "  model " + model_path + ": " + std::to_string(racah_model_layers(model.get())) + " layer(s), cutoff " +
            number(racah_model_cutoff(model.get())) + " A, " + std::to_string(racah_model_nparameters(model.get())) +
            " parameters, elements " + elements_of(model.get()) + "\n";
    text += std::string("  precision ") + word_of(PRECISIONS, options.precision) + ", method " +
            word_of(METHODS, options.method) + ", " + std::to_string(number_of_threads()) +
            " thread(s) for each MPI rank\n";
    text += racah_model_shortest_distance(model.get(), 0, 0) > 0 ? std::string("  atoms nearer than in the training data: ") + word_of(CLOSE, close_action) + "\n"
                         : std::string("  no guard for close atoms: the model does not know its shortest distances\n");
    std::string warnings;
    for (int t = 1; t <= atom->ntypes; t++) {
        if (type_element[t] < 0) {
            text += "  atom type " + std::to_string(t) + ": NULL, not in this potential\n";
            continue;
        }
        int z = racah_model_atomic_number(model.get(), type_element[t]);
        const std::string symbol = racah_element_symbol(z);
        text += "  atom type " + std::to_string(t) + ": " + symbol;
        if (atom->mass && atom->mass_setflag && atom->mass_setflag[t]) {
            double mass = atom->mass[t], standard = racah_element_mass(z);
            text += ", mass " + number(mass);
            if (standard > 0 && std::fabs(mass - standard) > MASS_TOLERANCE * standard)
                warnings += (warnings.empty() ? "" : "; ") + std::string("atom type ") + std::to_string(t) +
                            " has mass " + number(mass) + ", but element " + symbol + " has " + number(standard);
        }
        text += "\n";
    }
    utils::logmesg(lmp, text);
    if (!warnings.empty())
        error->warning(FLERR, "Pair style racah: " + warnings + ". Is the order of elements in pair_coeff right?");
}

/* What this rank needs, from the list it just got: LAMMPS' own memory figure does not know of it. */
void PairRacah::tell_memory()
{
    memory_told = true;
    if (comm->me != 0) return;
    double fixed = static_cast<double>(racah_calc_fixed_bytes(calc.get())), edges = 0.0;
    const double reach = racah_model_cutoff(model.get()), reach2 = reach * reach;
    const int nlocal = atom->nlocal;
    for (int i = 0; i < nlocal; i++)
        for (int k = 0; k < numneigh[i]; k++) {
            const int j = neighbors[i][k] & NEIGHMASK;
            const double *a = atom->x[i], *b = atom->x[j];
            const double d[3] = {b[0] - a[0], b[1] - a[1], b[2] - a[2]};
            edges += elements[j] >= 0 && d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < reach2;
        }
    std::string text = "Pair racah memory on rank 0: " + number(fixed / 1048576.0, "%.3g") + " MB of tables";
    if (nlocal > 0) {
        const double ghosts = static_cast<double>(atom->nghost) / nlocal; /* a single rank keeps nothing for them */
        double each = static_cast<double>(
            racah_calc_bytes_per_atom(calc.get(), edges / nlocal, comm->nprocs > 1 ? ghosts : 0.0));
        text += " + " + number(each / 1024.0, "%.4g") + " kB for each of " + std::to_string(nlocal) +
                " atoms (with " + number(edges / nlocal, "%.4g") + " neighbors and " +
                number(ghosts, "%.4g") + " ghosts an atom)";
    }
    utils::logmesg(lmp, text + "\n");
}

/* ---- one step ---------------------------------------------------------------------------- */

/* Fill elements, numneigh and neighbors. Local atoms that LAMMPS left off our list (hybrid skip lists, neigh_modify
 * include) take no part; it leaves them, and their ghosts, out of everyone's neighbors too, so that a ghost's type
 * is all that need be known of it. */
void PairRacah::gather_neighbors()
{
    const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
    elements.assign(std::max(nall, 1), -1);
    numneigh.assign(std::max(nlocal, 1), 0);
    neighbors.assign(std::max(nlocal, 1), nullptr);
    for (int k = 0; k < list->inum; k++) {
        const int i = list->ilist[k];
        if (i >= nlocal) continue;
        elements[i] = type_element[atom->type[i]];
        numneigh[i] = list->numneigh[i];
        neighbors[i] = list->firstneigh[i];
    }
    for (int j = nlocal; j < nall; j++) elements[j] = type_element[atom->type[j]];
}

/* With each new neighbour list: where each ghost comes from, found by sending the atoms' names the way features go, and
 * which rows features have to be in, found by sending marks back the way gradients go. Every rank does both. */
void PairRacah::learn_ghosts()
{
    const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
    origin.assign(std::max(nall, 1), Origin{-1, -1});
    for (int i = 0; i < nlocal; i++) origin[i] = Origin{comm->me, i};
    to_itself.clear();
    from_itself.assign(std::max(nall - nlocal, 1), 0);
    purpose = LEARN;
    exchange(true, origin.data(), sizeof origin[0]);
    share_rows();

    wanted.assign(std::max(nall, 1), 0.0);
    for (int j = nlocal; j < nall; j++) wanted[j] = ghost_row[j - nlocal] == j;
    element_bytes = sizeof wanted[0];
    exchange(false, wanted.data(), sizeof wanted[0]);
    purpose = MOVE;

    on_the_way.clear();
    for (int j = nlocal; j < nall; j++)
        if (wanted[j] > 0.0 && ghost_row[j - nlocal] != j) on_the_way.push_back(j);
    have_ghosts = true;
}

/* Images of an atom of this rank are that atom, of another one the first of its ghosts here. */
void PairRacah::share_rows()
{
    const int nlocal = atom->nlocal, nghost = atom->nghost;
    std::unordered_map<long long, int> first;
    ghost_row.resize(std::max(nghost, 1));
    all_rows_local = true;
    for (int g = 0; g < nghost; g++) {
        const Origin &o = origin[nlocal + g];
        ghost_row[g] = nlocal + g;
        if (o.rank == comm->me)
            ghost_row[g] = o.index;
        else if (o.rank >= 0)
            ghost_row[g] = first.emplace((static_cast<long long>(o.rank) << 32) + o.index, nlocal + g).first->second;
        all_rows_local = all_rows_local && ghost_row[g] < nlocal;
    }
}

void PairRacah::compute(int eflag, int vflag)
{
    ev_init(eflag, vflag);
    gather_neighbors();
    if (!memory_told) tell_memory();

    const size_t nlocal = atom->nlocal, nghost = atom->nghost, nall = nlocal + nghost;
    double none[3] = {0.0, 0.0, 0.0}, energy = 0.0, w[9] = {};
    forces.assign(3 * std::max<size_t>(nall, 1), 0.0);
    if (eflag_atom) energies.assign(std::max<size_t>(nlocal, 1), 0.0);
    if (vflag_atom) virials.assign(6 * std::max<size_t>(nall, 1), 0.0);

    racah_local s = {};
    s.size = sizeof s;
    s.threads = number_of_threads();
    s.nlocal = nlocal;
    s.nghost = nghost;
    s.positions = nall > 0 ? atom->x[0] : none;
    s.elements = elements.data();
    s.numneigh = numneigh.data();
    s.neighbors = neighbors.data();
    s.neighbor_mask = NEIGHMASK;
    if (neighbor->ago == 0 || !have_ghosts) learn_ghosts();
    s.row = ghost_row.data();
    if (comm->nprocs > 1 || !all_rows_local) s.forward = forward_rows, s.reverse = reverse_rows;
    s.exchange_ctx = this;
    s.energy = &energy;
    s.forces = forces.data();
    s.virial = vflag_global ? w : nullptr;
    s.atom_energy = eflag_atom ? energies.data() : nullptr;
    s.atom_virial = vflag_atom ? virials.data() : nullptr;
    s.close_stop = close_action == CLOSE_STOP;
    s.close = close_action == CLOSE_WARN ? close.data() : nullptr;

    element_bytes = racah_calc_exchange_bytes(calc.get());
    comm_failure = nullptr;
    racah_error err = {};
    const racah_status status = racah_compute_local(calc.get(), &s, &err);
    if (comm_failure) std::rethrow_exception(comm_failure);
    if (status != RACAH_OK)
        stop("Pair style racah, step " + std::to_string(static_cast<long long>(update->ntimestep)) +
                              ", rank " + std::to_string(comm->me) + ": " + err.msg + ids_in(err.msg));
    add_results(energy, w);
    if (close_action == CLOSE_WARN) warn_close();
}

/* Each rank once for each pair of elements: a message in every step would hide all others. */
void PairRacah::warn_close()
{
    const int n = racah_model_nelements(model.get());
    for (size_t k = 0; k < close.size(); k++) {
        const racah_close &c = close[k];
        if (c.i < 0 || close_told[k]) continue;
        close_told[k] = 1;
        const int a = static_cast<int>(k) / n, b = static_cast<int>(k) % n;
        const std::string pair = "atoms " + std::to_string(c.i) + " (" + symbol_of(model.get(), a) + ") and " +
                                 std::to_string(c.j) + " (" + symbol_of(model.get(), b) + ")";
        error->warning(FLERR, "Pair style racah, step " + std::to_string(static_cast<long long>(update->ntimestep)) +
                                  ", rank " + std::to_string(comm->me) + ": " + pair + " are " +
                                  number(c.distance, "%.4f") + " A apart, nearer than any in the training data (" +
                                  number(racah_model_shortest_distance(model.get(), a, b), "%.4f") + " A)" +
                                  ids_in(pair) + "; this rank says so once for each pair of elements");
    }
}

/* The library counts atoms as this rank holds them; users know ids. " (atom 3 has id 17, atom 70 has id 5)" for the
 * numbers after "atom", "atoms" and "and" in a message, or nothing. */
std::string PairRacah::ids_in(const std::string &message) const
{
    const long nall = static_cast<long>(atom->nlocal) + atom->nghost;
    std::string list, word, previous;
    for (size_t at = 0; at <= message.size(); at++) {
        const char c = at < message.size() ? message[at] : ' ';
        if (std::isalnum(static_cast<unsigned char>(c))) {
            word += c;
            continue;
        }
        const bool digits = !word.empty() && word.size() < 10 && word.find_first_not_of("0123456789") == std::string::npos;
        if (digits && (previous == "atom" || previous == "atoms" || previous == "and")) {
            const long i = std::atol(word.c_str());
            if (i < nall && atom->tag)
                list += (list.empty() ? " (" : ", ") + std::string("atom ") + word + " has id " +
                        std::to_string(static_cast<long long>(atom->tag[i]));
        }
        if (!word.empty()) previous = word;
        word.clear();
    }
    return list.empty() ? list : list + ")";
}

/* Add to what LAMMPS holds, in its units and its order xx yy zz xy xz yz of tensors. */
void PairRacah::add_results(double energy, const double *w)
{
    const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
    const double u = units_energy;
    double **f = atom->f;
    for (int i = 0; i < nall; i++)
        for (int a = 0; a < 3; a++) f[i][a] += u * forces[3 * i + a];
    if (eflag_global) eng_vdwl += u * energy;
    if (eflag_atom)
        for (int i = 0; i < nlocal; i++) eatom[i] += u * energies[i];
    if (vflag_global) {
        /* One rank's share need not be symmetric, only the sum is. */
        const double six[6] = {w[0], w[4], w[8], 0.5 * (w[1] + w[3]), 0.5 * (w[2] + w[6]), 0.5 * (w[5] + w[7])};
        for (int k = 0; k < 6; k++) virial[k] += u * six[k];
    }
    if (vflag_atom)
        for (int i = 0; i < nall; i++) {
            const double *v = &virials[6 * i]; /* xx yy zz yz xz xy */
            const double six[6] = {v[0], v[1], v[2], v[5], v[4], v[3]};
            for (int k = 0; k < 6; k++) vatom[i][k] += u * six[k];
        }
}

/* ---- exchange between ranks -------------------------------------------------------------- */

/* Move rows of `bytes` bytes between owners and ghosts. LAMMPS counts in doubles, and takes the count of this
 * exchange from comm_forward / comm_reverse; the sizes of init_style are restored, since they are the buffers'. */
void PairRacah::exchange(bool is_forward, void *data, size_t bytes)
{
    const int forward_size = comm_forward, reverse_size = comm_reverse;
    const int size = static_cast<int>(doubles_for(bytes));
    if (size > (is_forward ? forward_size : reverse_size))
        stop(std::string("Pair style racah: an exchange is wider than announced at init (a bug)"));
    rows = static_cast<char *>(data);
    row_bytes = bytes;
    send = 0, packed = nullptr;
    if (is_forward) {
        comm_forward = size;
        racah_lammps::forward(comm, this, 0);
        comm_forward = forward_size;
    } else {
        if (purpose == MOVE)
            for (int j : on_the_way) memset(row(j), 0, row_bytes);
        comm_reverse = size;
        racah_lammps::reverse(comm, this, 0);
        comm_reverse = reverse_size;
    }
    rows = nullptr;
}

/* The library is C: an exception must not pass through it. */
int PairRacah::callback(bool is_forward, void *data, size_t width)
{
    try {
        exchange(is_forward, data, width * element_bytes);
    } catch (...) {
        comm_failure = std::current_exception();
        return 1;
    }
    return 0;
}

int PairRacah::forward_rows(void *self, void *data, size_t width)
{
    return static_cast<PairRacah *>(self)->callback(true, data, width);
}

int PairRacah::reverse_rows(void *self, void *data, size_t width)
{
    return static_cast<PairRacah *>(self)->callback(false, data, width);
}

/* A rank's exchange with itself: LAMMPS packs and unpacks the same buffer. Nothing is copied into it; unpacking takes
 * the rows from where packing found them, those that are wanted. */
int PairRacah::pack_forward_comm(int n, int *which, double *buf, int, int *)
{
    const size_t size = doubles_for(row_bytes);
    packed = buf, packed_from = which;
    if (purpose == LEARN) to_itself.push_back(0);
    if (!to_itself[send++])
        for (int k = 0; k < n; k++) memcpy(buf + k * size, row(which[k]), row_bytes);
    return static_cast<int>(n * size);
}

void PairRacah::unpack_forward_comm(int n, int first, double *buf)
{
    const size_t size = doubles_for(row_bytes);
    const bool itself = buf == packed;
    if (purpose == LEARN && itself) {
        to_itself[send - 1] = 1;
        if (n > 0) from_itself[first - atom->nlocal] = 1;
    }
    for (int k = 0; k < n; k++)
        if (purpose == LEARN || wanted[first + k] > 0.0)
            memcpy(row(first + k), itself ? row(packed_from[k]) : reinterpret_cast<char *>(buf + k * size), row_bytes);
}

int PairRacah::pack_reverse_comm(int n, int first, double *buf)
{
    const size_t size = doubles_for(row_bytes);
    packed = buf, packed_first = first;
    if (n > 0 && !from_itself[first - atom->nlocal])
        for (int k = 0; k < n; k++) {
            if (wanted[first + k] > 0.0)
                memcpy(buf + k * size, row(first + k), row_bytes);
            else
                memset(buf + k * size, 0, row_bytes);
        }
    return static_cast<int>(n * size);
}

void PairRacah::unpack_reverse_comm(int n, int *which, double *buf)
{
    const size_t size = doubles_for(row_bytes);
    const bool itself = buf == packed;
    for (int k = 0; k < n; k++) {
        if (itself && !(wanted[packed_first + k] > 0.0)) continue;
        const char *from = itself ? row(packed_first + k) : reinterpret_cast<const char *>(buf + k * size);
        if (element_bytes == sizeof(float))
            add_row<float>(row(which[k]), from, row_bytes);
        else
            add_row<double>(row(which[k]), from, row_bytes);
    }
}

double PairRacah::memory_usage()
{
    double bytes = Pair::memory_usage();
    bytes += static_cast<double>(elements.capacity() + numneigh.capacity() + ghost_row.capacity()) * sizeof(int);
    bytes += static_cast<double>(neighbors.capacity()) * sizeof(const int *);
    bytes += static_cast<double>(origin.capacity()) * sizeof(Origin);
    bytes += static_cast<double>(wanted.capacity() + forces.capacity() + energies.capacity() + virials.capacity()) * sizeof(double);
    if (calc) bytes += static_cast<double>(racah_calc_fixed_bytes(calc.get()));
    return bytes;
}
