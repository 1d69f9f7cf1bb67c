using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using StreamingCnn.Distributed;

namespace StreamingCnn.Execution.Split;

/// <summary>What the processes that share an image must agree on before they begin.</summary>
internal static class Agreement
{
    private const int HashBytes = 6;
    private const int Halves = 32;

    /// <summary>The smallest of what each process has.</summary>
    public static long Smallest(ICommunicator ranks, long bytes)
    {
        var all = new double[ranks.Size];
        all[ranks.Rank] = bytes;
        ranks.Sum(all.AsSpan());
        return (long)all.Min();
    }

    /// <summary>Checks that all have the same in mind.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="what">What this process is about to run, in full.</param>
    /// <param name="seed">Its seed of random layers.</param>
    /// <returns>The seed of all, rank 0's.</returns>
    /// <exception cref="InvalidOperationException">They differ: thrown by all.</exception>
    public static long Check(ICommunicator ranks, string what, long seed)
    {
        var all = new double[ranks.Size + 2];
        all[ranks.Rank] = Hash(what);
        if (ranks.Rank == 0)
            (all[^2], all[^1]) = (seed >> Halves, seed & uint.MaxValue);
        ranks.Sum(all.AsSpan());
        if (Other(all.AsSpan(0, ranks.Size)) is { } rank)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"Rank {rank} is about to run other tiles than rank 0; give all ranks the same network, images of the same size, the same options and the same weights that learn."));
        }

        return ((long)all[^2] << Halves) | (long)all[^1];
    }

    /// <summary>A number for a text, which sums over processes hold exactly.</summary>
    public static double Hash(string what) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(what)).Take(HashBytes).Aggregate(0L, (number, part) => (number << 8) | part);

    /// <summary>The first process whose number is not rank 0's; null for none.</summary>
    /// <param name="numbers">Numbers by rank.</param>
    public static int? Other(ReadOnlySpan<double> numbers)
    {
        var other = numbers.IndexOfAnyExcept(numbers[0]);
        return other < 0 ? null : other;
    }
}
