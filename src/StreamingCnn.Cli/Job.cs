using System.Globalization;
using StreamingCnn.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli;

/// <summary>
/// The processes that <c>mpirun</c> or <c>srun</c> has started to do one command together; most often this one alone. Rank 0 speaks and
/// writes; the others are silent unless they fail.
/// </summary>
/// <param name="errors">Where complaints go.</param>
/// <param name="ranks">Processes that have met already; null for this one alone, until <see cref="Start"/>.</param>
internal sealed class Job(TextWriter errors, ICommunicator? ranks = null)
{
    private enum Stage
    {
        /// <summary>Each looks at the command by itself, and all may find the same fault.</summary>
        Preparing,

        /// <summary>Each has work of its own.</summary>
        Working,

        /// <summary>All know that it cannot be done.</summary>
        Refused,
    }

    private Stage stage;
    private long? budget;

    /// <summary>The processes.</summary>
    public ICommunicator Ranks { get; private set; } = ranks ?? new SingleProcess();

    /// <summary>Whether this one speaks and writes.</summary>
    public bool IsFirst => Ranks.Rank == 0;

    /// <summary>Whether there are others.</summary>
    public bool IsShared => Ranks.Size > 1;

    /// <summary>Where what is said on the way goes: nowhere, unless this is the first.</summary>
    public TextWriter Errors => IsFirst ? errors : TextWriter.Null;

    /// <summary>
    /// Memory of each process where nothing is said: its part of what its machine has free; the least of all, so that all make the same
    /// plan.
    /// </summary>
    public long DefaultMemoryBudget => budget ?? StreamingOptions.DefaultMemoryBudget;

    /// <summary>Meets the others.</summary>
    /// <exception cref="CommunicatorException">They cannot be met.</exception>
    public void Start()
    {
        Ranks = Processes.Start();
        if (!IsShared)
            return;
        // Some launchers give each process a terminal of its own, on which .NET would begin with control characters.
        Environment.SetEnvironmentVariable("TERM", "dumb");
        if (!IsFirst)
            Console.SetOut(TextWriter.Null);
        var machines = Ranks.Gather(Environment.MachineName);
        var share = StreamingOptions.DefaultMemoryBudget / machines.Count(machine => machine == Environment.MachineName);
        budget = Least(share);
    }

    /// <summary>
    /// Finds the device that this process computes on; all end where one of them has none. What several share of one is divided as the
    /// host's memory is.
    /// </summary>
    /// <param name="asked">What was asked for.</param>
    /// <param name="needsBudget">Whether nobody has said how much of its memory a step may take.</param>
    /// <exception cref="PlatformNotSupportedException">There is no such device.</exception>
    /// <exception cref="CommunicatorException">A process has none.</exception>
    public Device Place(ComputeDevice asked, bool needsBudget)
    {
        if (asked.IsCpu)
            return CPU;
        var (device, share) = (CPU, budget);
        try
        {
            device = asked.Find();
            if (needsBudget && device.type != DeviceType.CPU)
                share = ComputeDevice.DefaultMemoryBudget(device);
        }
        catch (PlatformNotSupportedException missing) when (IsShared)
        {
            Agree(missing.Message);
        }

        budget = share;
        if (!IsShared)
            return device;
        Agree("");
        stage = Stage.Preparing;
        var own = $"{Environment.MachineName} {device}";
        var users = Ranks.Gather(own).Count(place => place == own);
        if (share is { } bytes && device.type != DeviceType.CPU)
            share = bytes / users;
        budget = Least(share);
        return device;
    }

    /// <summary>A budget for each process: what was given; otherwise, where several share a machine, its part.</summary>
    public long? MemoryBudget(long? given, bool isTileGiven) => given ?? (isTileGiven ? null : budget);

    /// <summary>All are prepared: from here on each may fail by itself.</summary>
    /// <exception cref="CommunicatorException">One of them is not.</exception>
    public void Ready() => Agree("");

    /// <summary>Whether one of them says so; each says it at the same place.</summary>
    public bool Any(bool own)
    {
        Span<double> count = [own ? 1 : 0];
        Ranks.Sum(count);
        return count[0] > 0;
    }

    /// <summary>Ends well, when all do.</summary>
    public void End()
    {
        Ranks.Dispose();
        Ranks = new SingleProcess();
    }

    /// <summary>Ends all, with a sentence that is said once.</summary>
    public void Fail(string sentence)
    {
        if (stage == Stage.Preparing && IsShared)
        {
            try
            {
                Agree(sentence);
            }
            catch (CommunicatorException together)
            {
                sentence = together.Message;
            }
        }

        if (!IsShared || stage == Stage.Refused)
        {
            Errors.WriteLine($"error: {sentence}");
            End();
            return;
        }

        Ranks.Abort($"rank {Ranks.Rank}: {sentence}");
    }

    private long? Least(long? share) => Ranks.Gather(share?.ToString(CultureInfo.InvariantCulture) ?? "")
        .Where(text => text.Length > 0).Min(text => (long?)long.Parse(text, CultureInfo.InvariantCulture));

    private void Agree(string sentence)
    {
        stage = Stage.Working;
        var sentences = Ranks.Gather(sentence);
        if (sentences.FirstOrDefault(text => text.Length > 0) is not { } first)
            return;
        stage = Stage.Refused;
        // What all find is said as one would say it.
        throw new CommunicatorException(
            sentences.All(text => text == first) ? first : $"rank {sentences.Index().First(text => text.Item == first).Index}: {first}");
    }
}
