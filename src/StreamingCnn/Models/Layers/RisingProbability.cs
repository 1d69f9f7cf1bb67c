namespace StreamingCnn.Models;

/// <summary>
/// The probabilities by which blocks of a network are dropped in training (<see cref="StochasticDepth"/>): they rise evenly, from 0 at
/// the first block to the given one at the last. The method's authors begin above 0.
/// </summary>
/// <param name="last">The last block's probability.</param>
/// <param name="blocks">Number of blocks, at least two.</param>
internal sealed class RisingProbability(double last, int blocks)
{
    private int done;

    /// <summary>The next block's probability.</summary>
    public double Next() => last * done++ / (blocks - 1.0);
}
