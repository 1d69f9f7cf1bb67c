using System.Diagnostics;

namespace StreamingCnn.Interop.Weights;

/// <summary>
/// What the reading of one file may take, in proportion to its size, so that a small file cannot ask for gigabytes or
/// minutes. Memory and work are counted where a few bytes of a file can ask for much, by what is asked, not by what a
/// machine measures: a file is refused everywhere or nowhere. The clock only guards what the counts do not foresee.
/// </summary>
/// <param name="fileBytes">The file's size.</param>
internal sealed class ParsingBudget(long fileBytes)
{
    // Files of weights take about ten times their header or pickle, when all of its numbers and names are objects.
    private const long SmallestMemory = 16L << 20;
    private const long MemoryPerByte = 32;
    private const long SmallestWork = 1L << 20;
    private const long WorkPerByte = 64;
    private const long WorkBetweenLooks = 1 << 16;

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private long memory = SmallestMemory + MemoryPerByte * fileBytes;
    private long work = SmallestWork + WorkPerByte * fileBytes;
    private long workAtLastLook = long.MaxValue;

    /// <summary>Seconds that reading may take on any machine: a minute, and a second for each MiB.</summary>
    private double Seconds => 60 + (fileBytes >> 20);

    /// <summary>Counts memory that is about to be taken. What is given back is not counted back.</summary>
    /// <param name="bytes">How much, about.</param>
    /// <exception cref="ParsingBudgetException">It is more than the file's size allows.</exception>
    public void Allocate(long bytes)
    {
        memory = bytes < 0 || bytes > memory ? throw Exceeded("more memory") : memory - bytes;
        Work(1);
    }

    /// <summary>Counts work that is about to be done.</summary>
    /// <param name="steps">Values, characters or entries that are looked at.</param>
    /// <exception cref="ParsingBudgetException">It is more than the file's size allows.</exception>
    public void Work(long steps)
    {
        work = steps < 0 || steps > work ? throw Exceeded("more work") : work - steps;
        if (workAtLastLook - work < WorkBetweenLooks)
            return;
        workAtLastLook = work;
        if (clock.Elapsed.TotalSeconds > Seconds)
            throw Exceeded("more time");
    }

    private ParsingBudgetException Exceeded(string what) =>
        new($"to read it would take {what} than a file of {fileBytes} bytes can be worth");
}
