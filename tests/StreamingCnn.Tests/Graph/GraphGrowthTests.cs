using System.Diagnostics;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;

namespace StreamingCnn.Tests.Graph;

public class GraphGrowthTests
{
    /// <summary>Looking through all nodes for the readers of each would take 16 times as long for 4 times the nodes.</summary>
    [Fact]
    public void Readers_of_maps_are_found_in_a_time_that_grows_as_the_network_does()
    {
        Time(1000);
        var (few, many) = (Time(5000), Time(20000));
        Assert.True(
            many < (8 * few) + TimeSpan.FromSeconds(0.5),
            $"5000 nodes took {few.TotalSeconds:0.00} s, 20000 took {many.TotalSeconds:0.00} s");

        static TimeSpan Time(int nodes)
        {
            var layer = new IdentityLayer();
            var chain = Enumerable.Range(0, nodes)
                .Select(i => new GraphNode(i, i == 0 ? null : layer, i == 0 ? [] : i == 1 ? [0] : [i - 1, i - 2], 1, $"{i}"))
                .ToArray();
            var clock = Stopwatch.StartNew();
            var graph = new NetworkGraph(chain, [nodes - 1]);
            var taken = clock.Elapsed;
            Assert.Equal([1, 2], graph.Consumers[0]);
            Assert.Equal([nodes - 1], graph.Consumers[nodes - 2]);
            Assert.Empty(graph.Consumers[nodes - 1]);
            return taken;
        }
    }
}
