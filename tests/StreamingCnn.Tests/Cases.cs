using System.Globalization;

namespace StreamingCnn.Tests;

/// <summary>How many random cases a law is tried on: few where every change is tested, more where STREAMINGCNN_CASES says so.</summary>
internal static class Cases
{
    private static readonly int? Asked =
        int.TryParse(Environment.GetEnvironmentVariable("STREAMINGCNN_CASES"), CultureInfo.InvariantCulture, out var cases) ? cases : null;

    /// <summary>What STREAMINGCNN_CASES says, or else the default.</summary>
    public static int Or(int few) => Asked ?? few;
}
