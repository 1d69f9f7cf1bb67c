using System.Globalization;

namespace StreamingCnn.Distributed.Mpi;

/// <summary>How this process was started, as launchers tell it by variables of the environment.</summary>
/// <param name="Launcher">What to call the launcher in messages.</param>
/// <param name="Size">Processes that it has started together.</param>
/// <param name="Libraries">Names of libraries that can talk to it, the likeliest first.</param>
/// <param name="Package">Debian's package that has them.</param>
internal sealed record Launch(string Launcher, int Size, IReadOnlyList<string> Libraries, string Package)
{
    /// <summary>Names the library, where the one that goes with the launcher is not found or not wanted.</summary>
    public const string LibraryVariable = "STREAMINGCNN_MPI";

    // The ABI of the standard (MPI 5.0), which both offer.
    private const string Standard = "libmpi_abi.so.0";

    // As Open MPI, MPICH and Slurm call it.
    private static readonly string[] LocalRanks = ["OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"];

    private static readonly string[] OpenMpi = ["libmpi.so.40", Standard, "libmpi_abi.so"];
    private static readonly string[] Mpich = ["libmpich.so.12", "libmpi.so.12", Standard, "libmpi_abi.so"];

    /// <summary>Looks into the environment.</summary>
    /// <param name="variable">The value of a variable; null where there is none.</param>
    /// <exception cref="CommunicatorException">Slurm has started several tasks that cannot meet.</exception>
    public static Launch Of(Func<string, string?> variable)
    {
        var launch = Find(variable);
        return variable(LibraryVariable) is { Length: > 0 } named ? launch with { Libraries = [named] } : launch;
    }

    /// <summary>Which of the processes on its machine this one is, from 0.</summary>
    /// <param name="variable">The value of a variable; null where there is none.</param>
    public static int LocalRank(Func<string, string?> variable) => LocalRanks
        .Select(name => int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var rank) ? rank : (int?)null)
        .FirstOrDefault(rank => rank is not null) ?? 0;

    private static Launch Find(Func<string, string?> variable)
    {
        if (Number("OMPI_COMM_WORLD_SIZE") is { } open)
            return new("mpirun of Open MPI", open, OpenMpi, "libopenmpi3");
        if (Number("PMI_SIZE") is { } pmi)
            return new("mpirun of MPICH", pmi, Mpich, "libmpich12");
        var tasks = Number("SLURM_STEP_NUM_TASKS") ?? 1;
        if (variable("PMIX_RANK") is not null)
            return new("srun", tasks, [.. OpenMpi, .. Mpich], "libopenmpi3");
        if (tasks > 1)
        {
            throw new CommunicatorException(
                $"Slurm has started {tasks} tasks that cannot meet; write srun --mpi=pmix for Open MPI, --mpi=pmi2 for MPICH, or start one task.");
        }

        return new("", 1, [], "");

        int? Number(string name) =>
            int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 ? value : null;
    }
}
