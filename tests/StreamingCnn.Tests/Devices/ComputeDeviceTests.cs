using System.Runtime.InteropServices;
using StreamingCnn.Distributed.Mpi;
using StreamingCnn.Execution;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Devices;

/// <summary>Which device is meant, and what is said where there is none. No GPU is needed.</summary>
public unsafe class ComputeDeviceTests
{
    private const long Gibibyte = 1L << 30;

    private static int current = 2;

    [Theory]
    [InlineData("cpu", 0, 0, "cpu")]
    [InlineData("cpu", 4, 1, "cpu")]
    [InlineData("auto", 0, 0, "cpu")]
    [InlineData("auto", 1, 0, "cuda:0")]
    [InlineData("AUTO", 4, 3, "cuda:3")]
    [InlineData("cuda", 1, 0, "cuda:0")]
    [InlineData("cuda", 4, 2, "cuda:2")]
    [InlineData("cuda", 4, 6, "cuda:2")]
    [InlineData("cuda:0", 4, 3, "cuda:0")]
    [InlineData("Cuda:3", 4, 0, "cuda:3")]
    public void The_device_is_the_one_that_is_meant(string text, int count, int localRank, string expected) =>
        Assert.Equal(expected, ComputeDevice.Parse(text).Find(count, hasBuild: count > 0, localRank).ToString());

    [Theory]
    [InlineData("cuda+tf32", "cuda+tf32", true)]
    [InlineData("Cuda:3+TF32", "cuda:3+tf32", true)]
    [InlineData("auto+tf32", "auto+tf32", true)]
    [InlineData("cuda:3", "cuda:3", false)]
    public void Rounding_is_asked_for(string text, string expected, bool isRounded)
    {
        var device = ComputeDevice.Parse(text);

        Assert.Equal((expected, isRounded), (device.ToString(), device.AllowsTf32));
        Assert.Equal(device, ComputeDevice.Parse(device.ToString()));
        Assert.Equal("cuda:3", device.Find(4, hasBuild: true, localRank: 3).ToString());
    }

    [Theory]
    [InlineData("cpu+tf32")]
    [InlineData("+tf32")]
    [InlineData("cuda+tf32+tf32")]
    [InlineData("cuda+fp8")]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    [InlineData("cuda:99999999999")]
    [InlineData("cpu:0")]
    [InlineData("cuda:0:1")]
    public void What_is_none_is_refused(string text) => Assert.Equal(
        $"'{text}' is no device; write cpu, cuda, cuda:0 and so on for one of several, or auto.",
        Assert.Throws<FormatException>(() => ComputeDevice.Parse(text)).Message);

    [Theory]
    [InlineData("cuda", 0, false, "The device cuda was asked for, but this build of libtorch carries no CUDA; write cpu or auto, or name the folder of a build with CUDA in the environment variable SCNN_LIBTORCH, such as torch/lib of a Python installation with PyTorch.")]
    [InlineData("cuda:1", 0, true, "The device cuda:1 was asked for, but libtorch sees no device of CUDA's on this machine; look at what nvidia-smi and CUDA_VISIBLE_DEVICES say, or write cpu or auto.")]
    [InlineData("cuda:1", 1, true, "The device cuda:1 was asked for, but there is only cuda:0 on this machine; write one that is there, cuda or auto.")]
    [InlineData("cuda:7", 4, true, "The device cuda:7 was asked for, but there is only cuda:0 to cuda:3 on this machine; write one that is there, cuda or auto.")]
    public void One_that_is_missing_is_refused(string text, int count, bool hasBuild, string sentence) => Assert.Equal(
        sentence, Assert.Throws<PlatformNotSupportedException>(() => ComputeDevice.Parse(text).Find(count, hasBuild, 0)).Message);

    [Theory]
    [InlineData("", 0)]
    [InlineData("OMPI_COMM_WORLD_LOCAL_RANK=3", 3)]
    [InlineData("MPI_LOCALRANKID=1", 1)]
    [InlineData("SLURM_LOCALID=2", 2)]
    [InlineData("SLURM_LOCALID=0 OMPI_COMM_WORLD_LOCAL_RANK=5", 5)]
    [InlineData("OMPI_COMM_WORLD_LOCAL_RANK=x SLURM_LOCALID=2", 2)]
    public void The_launcher_tells_which_of_a_machine_s_processes_this_is(string variables, int expected)
    {
        var environment = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('='))
            .ToDictionary(pair => pair[0], pair => pair[1]);

        Assert.Equal(expected, Launch.LocalRank(name => environment.GetValueOrDefault(name)));
    }

    [Fact]
    public void A_budget_is_three_quarters_of_what_the_device_has_free()
    {
        current = 2;
        var runtime = new CudaRuntime(&GetDevice, &SetDevice, &GetMemory);

        Assert.Equal(12 * Gibibyte, DeviceBudget.Of(new Device(DeviceType.CUDA, 1), runtime));
        Assert.Equal((16 * Gibibyte, 80 * Gibibyte), runtime.Memory(1));
        Assert.Equal((32 * Gibibyte, 80 * Gibibyte), runtime.Memory(-1));
        Assert.Equal(2, current);
    }

    [Fact]
    public void Where_the_device_does_not_tell_a_person_must()
    {
        current = 2;
        var runtime = new CudaRuntime(&GetDevice, &SetDevice, &GetMemory);
        const string Sentence = "How much memory cuda:7 has free cannot be found out, since the CUDA runtime (libcudart) does not tell; say what a step may take, by --memory 16GiB or StreamingOptions.MemoryBudget.";

        foreach (var one in new[] { null, runtime })
        {
            var refused = Assert.Throws<PlatformNotSupportedException>(() => DeviceBudget.Of(new Device(DeviceType.CUDA, 7), one));
            Assert.Equal(Sentence, refused.Message);
        }

        Assert.Equal(2, current);
    }

    [Fact]
    public void The_processor_s_budget_is_the_host_s() =>
        Assert.InRange(ComputeDevice.DefaultMemoryBudget(CPU) / (double)StreamingOptions.DefaultMemoryBudget, 0.5, 2);

    [Fact]
    public void A_tensor_knows_its_device()
    {
        using var scope = NewDisposeScope();
        var (here, there) = (ones(2), ones(2).to(OtherDevice.Get()));

        Assert.Equal((true, false), (here.IsOn(CPU), there.IsOn(CPU)));
        Assert.Equal((false, true), (here.IsOn(OtherDevice.Get()), there.IsOn(OtherDevice.Get())));
    }

    /// <summary>A module that was moved after its first plan is planned for where it is.</summary>
    [Fact]
    public void A_module_s_results_are_where_its_parameters_are()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var trunk = PaperTrunks.Small();
        using var streaming = new StreamingModule(trunk);
        using var image = rand(1, 3, 96, 96);
        var here = streaming.forward(image);
        trunk.to(OtherDevice.Get());

        var there = streaming.forward(image);

        Assert.True(there.IsOn(OtherDevice.Get()));
        Assert.InRange((there.cpu() - here).abs().max().item<float>() / here.abs().max().item<float>(), 0, 1e-5);
    }

    [UnmanagedCallersOnly]
    private static int GetDevice(int* device)
    {
        *device = current;
        return 0;
    }

    // As on a machine with four devices.
    [UnmanagedCallersOnly]
    private static int SetDevice(int device)
    {
        if (device > 3)
            return 101;
        current = device;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int GetMemory(nuint* free, nuint* total)
    {
        *free = (nuint)(current * 16 * Gibibyte);
        *total = unchecked((nuint)(80 * Gibibyte));
        return 0;
    }
}
