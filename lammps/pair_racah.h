/* SPDX-License-Identifier: GPL-2.0-only
 * LAMMPS pair style `racah`: a thin layer over racah_compute_local of racah.h.
 *
 *   pair_style racah [precision double|single] [method auto|cg|so2|gaunt|grid|cp] [threads N]
 *                    [close warn|stop|off]
 *   pair_coeff * * model.racah El1 El2 NULL ...      one element of the model, or NULL, for each atom type
 *
 * Units metal and real; newton pair on. Node features travel between ranks through LAMMPS' own pair communication
 * (forward between layers, gradients back in reverse), so the ghost shell is one cutoff wide for any number of
 * layers. eatom, vatom and virial are filled; vatom gives half of each edge to either end. */
#ifndef LMP_PAIR_RACAH_H
#define LMP_PAIR_RACAH_H

#include "pair.h"

#include "racah.h"

#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class PairRacah : public Pair {
  public:
    PairRacah(class LAMMPS *);
    ~PairRacah() override;

    void settings(int, char **) override;
    void coeff(int, char **) override;
    void init_style() override;
    double init_one(int, int) override;
    void compute(int, int) override;
    int pack_forward_comm(int, int *, double *, int, int *) override;
    void unpack_forward_comm(int, int, double *) override;
    int pack_reverse_comm(int, int, double *) override;
    void unpack_reverse_comm(int, int *, double *) override;
    double memory_usage() override;

  private:
    struct FreeModel {
        void operator()(racah_model *m) const { racah_model_destroy(m); }
    };
    struct FreeCalc {
        void operator()(racah_calc *c) const { racah_calc_destroy(c); }
    };
    /* Declared in this order: the calculator refers to the model and goes first. Owned by C++ because LAMMPS may
     * leave any of our functions by an exception. */
    std::unique_ptr<racah_model, FreeModel> model;
    std::unique_ptr<racah_calc, FreeCalc> calc;

    racah_calc_options options;
    int threads_wanted;             /* keyword threads, 0: LAMMPS' own setting decides */
    std::string model_path;
    std::vector<int> type_element;  /* [ntypes+1] element index of the model, -1 for NULL */
    double units_energy;            /* eV in the energy units of this run */
    int close_action;               /* for atoms nearer than any in the training data */
    std::vector<char> close_told;   /* [nelements][nelements] pairs of elements this rank has warned of */
    bool announced, memory_told;

    /* Per step, kept to avoid allocation. */
    std::vector<int> elements;           /* [nlocal+nghost] */
    std::vector<int> numneigh;           /* [nlocal] */
    std::vector<const int *> neighbors;  /* [nlocal] */
    std::vector<double> forces;          /* [nlocal+nghost][3], eV/A */
    std::vector<double> energies;        /* [nlocal], eV */
    std::vector<double> virials;         /* [nlocal+nghost][6], eV, order of racah.h */
    std::vector<racah_close> close;      /* [nelements][nelements] */

    /* Per neighbour list. Ghosts that are images of one atom share a row; of a rank's exchanges with itself only the
     * rows are moved that an atom, here or further along, gets its features from. */
    struct Origin {
        int rank, index;
    };
    bool have_ghosts, all_rows_local;
    std::vector<Origin> origin;          /* [nlocal+nghost] the atom that each is (an image of) */
    std::vector<int> ghost_row;          /* [nghost] as racah.h's row */
    std::vector<double> wanted;          /* [nlocal+nghost] how many atoms get their features by way of this row */
    std::vector<int> on_the_way;         /* wanted ghosts that only pass features on: they start without gradients */
    std::vector<char> to_itself;         /* of each call of pack_forward_comm, in LAMMPS' order */
    std::vector<char> from_itself;       /* [nghost] where a first ghost comes from this rank */

    /* The exchange under way: rows of row_bytes bytes, one for each local and ghost atom. */
    char *rows;
    size_t row_bytes, element_bytes;
    enum { LEARN, MOVE } purpose;        /* LEARN: who sends to itself */
    size_t send;                         /* number of the call of pack_forward_comm */
    const double *packed;                /* buffer of the last call, */
    const int *packed_from;              /* and what a rank that sends to itself would have packed: atoms forward, */
    int packed_first;                    /* the first ghost in reverse */
    std::exception_ptr comm_failure;     /* an exception of LAMMPS, carried around the C frames */

    void stop(const std::string &message);
    void allocate();
    void make_calc();
    int number_of_threads() const;
    void check_special_bonds();
    void announce();
    void tell_memory();
    void gather_neighbors();
    void learn_ghosts();
    void share_rows();
    char *row(int i) { return rows + static_cast<size_t>(i) * row_bytes; }
    void warn_close();
    std::string ids_in(const std::string &message) const;
    void add_results(double energy, const double *w);
    void exchange(bool is_forward, void *data, size_t bytes);
    static int forward_rows(void *self, void *data, size_t width);
    static int reverse_rows(void *self, void *data, size_t width);
    int callback(bool is_forward, void *data, size_t width);
};

} // namespace LAMMPS_NS
#endif
