using System.Globalization;
using StreamingCnn.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Experiments.Budgets;

/// <summary>A network, the size of an image, and where between the least budget and the whole image's the budget lies.</summary>
/// <param name="Number">What it is drawn from.</param>
/// <param name="Network">A name in the catalogue, or "random" and a seed.</param>
/// <param name="Height">Height of the image in pixels.</param>
/// <param name="Width">Width of the image in pixels.</param>
/// <param name="Mode">How tiles are computed.</param>
/// <param name="Carry">Where the carry waits.</param>
/// <param name="Share">0 for a budget below the least, 1 for one above the whole image's.</param>
internal sealed record BudgetCase(int Number, string Network, int Height, int Width, StreamingMode Mode, CarryPlace Carry, double Share)
{
    private const string RandomPrefix = "random ";
    private const int SmallestSide = 96;

    // Below the smallest budget, and above what the whole image takes.
    private const double BelowLeast = 0.7;
    private const double AboveWhole = 1.2;

    /// <summary>Draws the case of a number.</summary>
    /// <param name="number">From 0.</param>
    /// <param name="largestSide">Sides of images are mostly below this.</param>
    public static BudgetCase Draw(int number, int largestSide)
    {
        var random = new Random(unchecked((number * 7919) + 17));
        var network = random.Next(2) == 0
            ? ModelCatalog.Names.ElementAt(random.Next(ModelCatalog.Names.Count))
            : string.Create(CultureInfo.InvariantCulture, $"{RandomPrefix}{random.Next(1_000_000)}");
        // As many small images as large ones, of any shape.
        var side = SmallestSide * Math.Pow((double)largestSide / SmallestSide, random.NextDouble());
        var shape = Math.Pow(3, random.NextDouble() - 0.5);
        return new(
            number, network, (int)(side * shape), (int)(side / shape),
            random.Next(8) == 0 ? StreamingMode.Overlap : StreamingMode.ExactlyOnce,
            random.Next(5) == 0 ? CarryPlace.File : CarryPlace.Device, random.NextDouble());
    }

    /// <summary>Makes the network for an image of a size; its layers are the same for all sizes.</summary>
    public Module<Tensor, Tensor> Trunk(long height, long width)
    {
        if (Network.StartsWith(RandomPrefix, StringComparison.Ordinal))
            return new RandomTrunk(int.Parse(Network[RandomPrefix.Length..], CultureInfo.InvariantCulture), height, width);
        manual_seed(Number);
        var trunk = ModelCatalog.Create(Network);
        trunk.eval();
        return trunk;
    }

    /// <summary>The budget in bytes.</summary>
    /// <param name="least">The smallest that is possible.</param>
    /// <param name="whole">What the whole image in one piece takes.</param>
    public long Budget(long least, long whole) => (long)(BelowLeast * least * Math.Pow(AboveWhole * whole / (BelowLeast * least), Share));

    /// <summary>The settings of a step within a budget.</summary>
    public StreamingOptions Options(long budget) => new() { MemoryBudget = budget, Mode = Mode, Carry = Carry };
}
