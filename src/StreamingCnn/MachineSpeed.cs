using StreamingCnn.Execution.Machine;

namespace StreamingCnn;

/// <summary>The short measurements of this machine from which a <see cref="TilePlan"/> tells seconds.</summary>
/// <remarks>
/// They are made when seconds are first asked for, with the threads that the library uses then, and remembered for later processes in the
/// user's cache folder (<c>streamingcnn/machine-rates.json</c> below <c>$XDG_CACHE_HOME</c>, <c>~/.cache</c> or, on Windows,
/// <c>LocalApplicationData</c>), for thirty days. Deleting the file does no harm.
/// </remarks>
public static class MachineSpeed
{
    /// <summary>Raised before the machine is measured, which takes two seconds, by the thread that asked for seconds.</summary>
    public static event EventHandler? Measuring
    {
        add => MachineRates.OfProcess.Measuring += value;
        remove => MachineRates.OfProcess.Measuring -= value;
    }
}
