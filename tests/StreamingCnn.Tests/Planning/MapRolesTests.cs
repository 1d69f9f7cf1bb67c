using StreamingCnn.Graph;
using StreamingCnn.Planning;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Planning;

/// <summary>Which maps a tile computes, and which it makes anew from the window of the map before them.</summary>
public class MapRolesTests
{
    [Fact]
    public void Pointwise_layers_look_at_the_map_below_them_unless_it_is_the_image_or_they_are_an_output()
    {
        using var trunk = Sequential(ReLU(), Conv2d(3, 4, 3), BatchNorm2d(4), ReLU(), Conv2d(4, 4, 1), Sigmoid());
        var roles = new MapRoles(GraphBuilder.Trace(trunk, 3, frozenBatchNorm: true).Local);

        Assert.Equal(new[] { false, false, false, true, true, false, false }, Enumerable.Range(0, roles.Count).Select(roles.IsView));
        Assert.Equal(new[] { 0, 1, 2, 2, 2, 5, 6 }, Enumerable.Range(0, roles.Count).Select(roles.Root));
    }
}
