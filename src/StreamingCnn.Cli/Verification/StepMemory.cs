using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Verification;

/// <summary>What a step takes where it is computed.</summary>
internal abstract class StepMemory
{
    /// <summary>The most bytes taken since the last reset; 0 where they cannot be told.</summary>
    public abstract long Peak { get; }

    /// <summary>What is measured on a device.</summary>
    public static StepMemory Of(Device device) => device.type == DeviceType.CUDA ? new OfCuda(device) : new OfProcess();

    /// <summary>Begins a new measurement of the peak.</summary>
    public abstract void Reset();

    /// <summary>Waits until what has been begun is done: a GPU computes while the program goes on.</summary>
    public virtual void Finish()
    {
    }

    private sealed class OfProcess : StepMemory
    {
        public override long Peak => PeakMemory.Bytes;

        public override void Reset() => PeakMemory.Reset();
    }

    /// <summary>
    /// What is taken of the device's memory, by whomever. libtorch keeps what a tensor has given back for the next one, so that what is
    /// taken behind a step is the most that the step took, or one before it.
    /// </summary>
    private sealed class OfCuda(Device device) : StepMemory
    {
        private readonly CudaRuntime? runtime = CudaRuntime.Find();

        public override long Peak => runtime?.Memory(device.index) is { } memory ? memory.Total - memory.Free : 0;

        public override void Reset()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        public override void Finish() => cuda.synchronize(device);
    }
}
