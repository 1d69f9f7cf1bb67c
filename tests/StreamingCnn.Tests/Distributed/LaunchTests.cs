using StreamingCnn.Distributed;
using StreamingCnn.Distributed.Mpi;

namespace StreamingCnn.Tests.Distributed;

public class LaunchTests
{
    [Theory]
    [InlineData("", 1, "")]
    [InlineData("SLURM_NTASKS=4 SLURM_PROCID=0", 1, "")]
    [InlineData("SLURM_STEP_NUM_TASKS=1 SLURM_PROCID=0", 1, "")]
    [InlineData("OMPI_COMM_WORLD_SIZE=4 PMIX_RANK=2", 4, "libmpi.so.40")]
    [InlineData("PMI_SIZE=3 PMI_RANK=0", 3, "libmpich.so.12")]
    [InlineData("PMI_SIZE=2 PMI_RANK=0 SLURM_STEP_NUM_TASKS=2", 2, "libmpich.so.12")]
    [InlineData("PMIX_RANK=0 SLURM_STEP_NUM_TASKS=8", 8, "libmpi.so.40")]
    [InlineData("OMPI_COMM_WORLD_SIZE=2 STREAMINGCNN_MPI=/opt/mpi/libmpi_abi.so.0", 2, "/opt/mpi/libmpi_abi.so.0")]
    public void The_environment_tells_how_many_there_are_and_whose_library_they_need(string variables, int size, string library)
    {
        var launch = Of(variables);
        Assert.Equal((size, library), (launch.Size, launch.Libraries is [var first, ..] ? first : ""));
    }

    [Fact]
    public void Tasks_of_Slurm_that_cannot_meet_are_refused() => Assert.Equal(
        "Slurm has started 4 tasks that cannot meet; write srun --mpi=pmix for Open MPI, --mpi=pmi2 for MPICH, or start one task.",
        Assert.Throws<CommunicatorException>(() => Of("SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=1")).Message);

    [Fact]
    public void A_library_that_is_missing_is_named_with_its_package()
    {
        var launch = Of("OMPI_COMM_WORLD_SIZE=2 STREAMINGCNN_MPI=libnowhere.so.40");
        Assert.Equal(
            "mpirun of Open MPI has started 2 processes, but the library of MPI that goes with it (libnowhere.so.40) is not found; "
            + "install it, in Debian and Ubuntu the package libopenmpi3, or name its file in STREAMINGCNN_MPI.",
            Assert.Throws<CommunicatorException>(() => MpiLibrary.Load(launch)).Message);
    }

    private static Launch Of(string variables)
    {
        var environment = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=')).ToDictionary(
            pair => pair[0], pair => pair[1]);
        return Launch.Of(name => environment.GetValueOrDefault(name));
    }
}
